using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>The camera that a frame was seen with.</summary>
    [DataContract]
    public sealed class CameraReply
    {
        /// <summary>Whether there is one; flat players have none.</summary>
        [DataMember(Name = "present", Order = 0)]
        public bool Present;

        /// <summary>Where it stands, metres in Unity's axes.</summary>
        [DataMember(Name = "position", Order = 1)]
        public double[] Position = new double[3];

        /// <summary>Its turn, a quaternion (x, y, z, w) of unit length in Unity's axes.</summary>
        [DataMember(Name = "rotation", Order = 2)]
        public double[] Rotation = { 0, 0, 0, 1 };

        /// <summary>fx, fy, cx, cy in pixels, from the image's upper left corner on, x right, y down.</summary>
        [DataMember(Name = "intrinsics", Order = 3)]
        public double[] Intrinsics = new double[4];
    }
}
