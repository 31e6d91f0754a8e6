using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>What became of a scene.</summary>
    [DataContract]
    public sealed class SceneReply
    {
        /// <summary>The slot of its frame.</summary>
        [DataMember(Name = "id", Order = 0)]
        public int Id;

        /// <summary>Why it cannot be shown, in one line; empty if it is.</summary>
        [DataMember(Name = "error", Order = 1)]
        public string Error = "";

        /// <summary>Metres at which the code of depths ends.</summary>
        [DataMember(Name = "far", Order = 2)]
        public double Far = 1;

        /// <summary>How long rendering took.</summary>
        [DataMember(Name = "seconds", Order = 3)]
        public double Seconds;

        /// <summary>The camera it was seen with.</summary>
        [DataMember(Name = "camera", Order = 4)]
        public CameraReply Camera = new CameraReply();
    }
}
