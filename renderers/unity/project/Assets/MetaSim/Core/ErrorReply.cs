using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>Why a payload could not be used.</summary>
    [DataContract]
    public sealed class ErrorReply
    {
        /// <summary>The reason, in one line.</summary>
        [DataMember(Name = "error")]
        public string Error;
    }
}
