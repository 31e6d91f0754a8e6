// World normals as interpolated from the vertices, folded from the octahedron into twice 12 bits in red, green and blue.
Shader "MetaSim/Normal"
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
                float3 normal : TEXCOORD0;
            };

            Seen project(float4 vertex : POSITION, float3 normal : NORMAL)
            {
                Seen seen;
                seen.position = UnityObjectToClipPos(vertex);
                seen.normal = UnityObjectToWorldNormal(normal);
                return seen;
            }

            // The plane of the octahedron, its lower half folded outwards: Meyer et al., On Floating-Point
            // Normal Vectors, 2010.
            float2 fold(float3 normal)
            {
                float2 p = normal.xz / (abs(normal.x) + abs(normal.y) + abs(normal.z));
                float2 side = float2(p.x >= 0 ? 1 : -1, p.y >= 0 ? 1 : -1);
                return normal.y >= 0 ? p : (1 - abs(p.yx)) * side;
            }

            float4 paint(Seen seen) : SV_Target
            {
                // Up to 4094 each, so that no normal has the clear colour, which is the background's.
                uint2 bits = (uint2)floor((fold(seen.normal) * 0.5 + 0.5) * 4094.0 + 0.5);
                return float4(bits.x >> 4, ((bits.x & 15u) << 4) | (bits.y >> 8), bits.y & 255u, 255u) / 255.0;
            }
            ENDCG
        }
    }
}
