using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>A scene to render.</summary>
    [DataContract]
    public sealed class SceneMessage
    {
        /// <summary>The slot that its frame belongs in.</summary>
        [DataMember(Name = "id", IsRequired = true)]
        public int Id;

        /// <summary>Steers noise only; all that is random about the scene is in its nodes.</summary>
        [DataMember(Name = "seed", IsRequired = true)]
        public int Seed;

        /// <summary>Its nodes, parents first.</summary>
        [DataMember(Name = "nodes", IsRequired = true)]
        public NodeMessage[] Nodes;
    }
}
