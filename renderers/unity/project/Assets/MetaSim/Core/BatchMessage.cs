using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>Scenes to render in one step.</summary>
    [DataContract]
    public sealed class BatchMessage
    {
        /// <summary>The names of the passes whose pixels are wanted.</summary>
        [DataMember(Name = "passes", IsRequired = true)]
        public string[] Passes;

        /// <summary>The scenes, in the order of their slots.</summary>
        [DataMember(Name = "scenes", IsRequired = true)]
        public SceneMessage[] Scenes;
    }
}
