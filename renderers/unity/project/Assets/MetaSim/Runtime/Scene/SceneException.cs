using System;

namespace MetaSim
{
    /// <summary>A scene that this player cannot show.</summary>
    public sealed class SceneException : Exception
    {
        /// <param name="message">Why not, in one line.</param>
        public SceneException(string message)
            : base(message)
        {
        }
    }
}
