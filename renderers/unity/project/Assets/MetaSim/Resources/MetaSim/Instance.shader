// Paints each renderer in the colour of its instance id, given by its property block; 0 without one.
Shader "MetaSim/Instance"
{
    SubShader
    {
        Pass
        {
            CGPROGRAM
            #pragma vertex project
            #pragma fragment paint
            #include "UnityCG.cginc"

            // The three bytes of the id over 255, the most significant one in x.
            float4 _MetaSimInstance;

            float4 project(float4 vertex : POSITION) : SV_POSITION
            {
                return UnityObjectToClipPos(vertex);
            }

            float4 paint() : SV_Target
            {
                return float4(_MetaSimInstance.xyz, 1);
            }
            ENDCG
        }
    }
}
