using UnityEngine;

namespace MetaSim
{
    /// <summary>Ids of renderers, as the shader MetaSim/Instance paints them.</summary>
    static class InstanceIds
    {
        static readonly int Property = Shader.PropertyToID("_MetaSimInstance");

        /// <summary>Gives 0 to all renderers that get no id of their own.</summary>
        public static void ClearOthers()
        {
            Shader.SetGlobalVector(Property, Vector4.zero);
        }

        /// <summary>Gives a renderer an id of 24 bits, beside what its property block holds already.</summary>
        /// <remarks>A vector, not a colour: colours are converted in projects of linear colour.</remarks>
        public static void Give(Renderer shape, int id)
        {
            var block = new MaterialPropertyBlock();
            shape.GetPropertyBlock(block);
            block.SetVector(Property, new Vector4((id >> 16) & 255, (id >> 8) & 255, id & 255, 255) / 255f);
            shape.SetPropertyBlock(block);
        }
    }
}
