using UnityEngine;

namespace MetaSim
{
    /// <summary>A turn about the object's own axes, to bind angles of a grammar to.</summary>
    /// <remarks>
    /// It keeps the angles itself: those of the transform come back changed once one of them leaves
    /// (-90, 90), so that they cannot be set one after the other.
    /// </remarks>
    [AddComponentMenu("MetaSim/Angles")]
    public sealed class MetaSimAngles : MonoBehaviour
    {
        Vector3 angles;
        Quaternion? authored;

        /// <summary>Degrees about x, second of the three turns.</summary>
        public float X
        {
            get { return angles.x; }
            set { Turn(new Vector3(value, angles.y, angles.z)); }
        }

        /// <summary>Degrees about y, last of the three turns.</summary>
        public float Y
        {
            get { return angles.y; }
            set { Turn(new Vector3(angles.x, value, angles.z)); }
        }

        /// <summary>Degrees about z, first of the three turns.</summary>
        public float Z
        {
            get { return angles.z; }
            set { Turn(new Vector3(angles.x, angles.y, value)); }
        }

        void Turn(Vector3 to)
        {
            authored = authored ?? transform.localRotation;
            angles = to;
            transform.localRotation = authored.Value * Quaternion.Euler(to);
        }
    }
}
