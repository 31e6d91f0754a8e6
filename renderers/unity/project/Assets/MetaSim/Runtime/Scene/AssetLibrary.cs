using System;
using System.Linq;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Prefabs by the classes of the grammar.</summary>
    [CreateAssetMenu(menuName = "MetaSim/Asset library")]
    public sealed class AssetLibrary : ScriptableObject
    {
        /// <summary>A class and what it looks like.</summary>
        [Serializable]
        public sealed class Entry
        {
            /// <summary>The class.</summary>
            public string Class;

            /// <summary>The prefab: upright, its front along -z, its origin where it stands.</summary>
            public GameObject Prefab;
        }

        [SerializeField]
        Entry[] entries = new Entry[0];

        /// <summary>The prefab of a class, null if there is none.</summary>
        public GameObject Find(string cls)
        {
            return entries.Where(entry => entry.Class == cls).Select(entry => entry.Prefab).FirstOrDefault();
        }
    }
}
