using System;
using System.Collections.Generic;
using System.Linq;

namespace MetaSim
{
    /// <summary>Passes by their names on the wire.</summary>
    public static class PassNames
    {
        static readonly Dictionary<string, Pass> Known =
            Enum.GetValues(typeof(Pass)).Cast<Pass>().ToDictionary(NameOf, StringComparer.Ordinal);

        /// <summary>The name of a pass.</summary>
        public static string NameOf(Pass pass)
        {
            return pass.ToString().ToLowerInvariant();
        }

        /// <summary>The passes of some names.</summary>
        /// <exception cref="ArgumentException">If a name is of none.</exception>
        public static Pass[] Of(IEnumerable<string> names)
        {
            return names.Select(Named).ToArray();
        }

        static Pass Named(string name)
        {
            Pass pass;
            if (name == null || !Known.TryGetValue(name, out pass))
            {
                throw new ArgumentException($"no pass {name}, some of {string.Join(", ", Known.Keys)} were expected");
            }
            return pass;
        }
    }
}
