using System;

namespace MetaSim
{
    /// <summary>A message that breaks the rules of the wire.</summary>
    public sealed class ProtocolException : Exception
    {
        /// <param name="message">What is wrong, in one line.</param>
        /// <param name="batch">The number of the message's batch, 0 if it could not be read.</param>
        public ProtocolException(string message, int batch = 0)
            : base(message)
        {
            Batch = batch;
        }

        /// <summary>The number of the message's batch, 0 if it could not be read.</summary>
        public int Batch { get; }
    }
}
