namespace MetaSim
{
    /// <summary>What a payload is, by its number on the wire.</summary>
    public enum PayloadKind
    {
        /// <summary>Scenes to render, to the player.</summary>
        Batch = 1,

        /// <summary>What became of them, from the player.</summary>
        Reply = 2,

        /// <summary>A payload that could not be used, from the player.</summary>
        Error = 3,
    }
}
