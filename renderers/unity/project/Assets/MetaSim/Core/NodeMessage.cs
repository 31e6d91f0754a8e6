using System.Runtime.Serialization;

namespace MetaSim
{
    /// <summary>A node of a scene graph. Angles are in degrees, axes are Unity's.</summary>
    [DataContract]
    public sealed class NodeMessage
    {
        /// <summary>The id of its pixels, from 1 on.</summary>
        [DataMember(Name = "id", IsRequired = true)]
        public int Id;

        /// <summary>Its name, unique in the scene.</summary>
        [DataMember(Name = "name", IsRequired = true)]
        public string Name;

        /// <summary>The symbol of the grammar that it was made from.</summary>
        [DataMember(Name = "symbol", IsRequired = true)]
        public string Symbol;

        /// <summary>Its class, the symbol itself where the grammar offers no choice.</summary>
        [DataMember(Name = "cls", IsRequired = true)]
        public string Class;

        /// <summary>The id of its parent, which comes before it; 0 for the root.</summary>
        [DataMember(Name = "parent", IsRequired = true)]
        public int Parent;

        /// <summary>The names of its attributes.</summary>
        [DataMember(Name = "names", IsRequired = true)]
        public string[] Names;

        /// <summary>Their values, in the units of the grammar.</summary>
        [DataMember(Name = "values", IsRequired = true)]
        public double[] Values;

        /// <summary>Whether the grammar turns it.</summary>
        [DataMember(Name = "rotated", IsRequired = true)]
        public bool Rotated;

        /// <summary>Its turn against the upright asset, a quaternion (x, y, z, w) of unit length.</summary>
        [DataMember(Name = "rotation", IsRequired = true)]
        public double[] Rotation;
    }
}
