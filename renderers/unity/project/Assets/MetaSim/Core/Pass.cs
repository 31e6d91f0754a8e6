namespace MetaSim
{
    /// <summary>An image of a scene; on the wire it has its name in lower case.</summary>
    public enum Pass
    {
        /// <summary>Colour, sRGB.</summary>
        Rgb,

        /// <summary>Ids of nodes.</summary>
        Instance,

        /// <summary>Planar depths.</summary>
        Depth,

        /// <summary>Shading normals in the world.</summary>
        Normal,
    }
}
