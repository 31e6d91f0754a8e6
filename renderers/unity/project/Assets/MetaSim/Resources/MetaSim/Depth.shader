// Planar depth along the optical axis over the far distance, as a 24 bit code in red, green and blue.
Shader "MetaSim/Depth"
{
    SubShader
    {
        Pass
        {
            CGPROGRAM
            #pragma target 3.5
            #pragma vertex project
            #pragma fragment paint
            #include "UnityCG.cginc"

            struct Seen
            {
                float4 position : SV_POSITION;
                float depth : TEXCOORD0;
            };

            Seen project(float4 vertex : POSITION)
            {
                Seen seen;
                seen.position = UnityObjectToClipPos(vertex);
                // Unity's view space looks along -z, unlike its cameras.
                seen.depth = -UnityObjectToViewPos(vertex.xyz).z;
                return seen;
            }

            float4 paint(Seen seen) : SV_Target
            {
                // The clear colour, 16777215, is the background's.
                float code = clamp(round(seen.depth / _ProjectionParams.z * 16777214.0), 1.0, 16777214.0);
                uint bits = (uint)code;
                return float4(bits >> 16, (bits >> 8) & 255u, bits & 255u, 255u) / 255.0;
            }
            ENDCG
        }
    }
}
