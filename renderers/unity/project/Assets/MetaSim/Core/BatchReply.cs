using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>What became of a batch.</summary>
    [DataContract]
    public sealed class BatchReply
    {
        /// <summary>What became of its scenes, in the order of their slots.</summary>
        [DataMember(Name = "scenes")]
        public SceneReply[] Scenes;
    }
}
