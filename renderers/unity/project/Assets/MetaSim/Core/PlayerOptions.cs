using System;
using System.Globalization;
using System.Linq;

namespace MetaSim
{
    /// <summary>What is fixed for the life of a player: the shape of what it sends.</summary>
    [Serializable]
    public sealed class PlayerOptions
    {
        /// <summary>Height of the images, pixels.</summary>
        public int Height = 64;

        /// <summary>Width of the images, pixels.</summary>
        public int Width = 64;

        /// <summary>How many scenes a step can have.</summary>
        public int Slots = 16;

        /// <summary>The passes that are sent.</summary>
        public Pass[] Passes = { Pass.Rgb, Pass.Instance, Pass.Depth, Pass.Normal };

        /// <summary>These options, with those of a command line in place of their own.</summary>
        /// <exception cref="ArgumentException">If one of them is not as it should be.</exception>
        public PlayerOptions With(string[] arguments)
        {
            var size = (Value(arguments, "--metasim-size") ?? $"{Height}x{Width}").Split('x');
            var passes = Value(arguments, "--metasim-passes");
            var slots = Value(arguments, "--metasim-slots");
            if (size.Length != 2)
            {
                throw new ArgumentException($"--metasim-size: {string.Join("x", size)}; expected HEIGHTxWIDTH");
            }
            return new PlayerOptions
            {
                Height = Count("--metasim-size", size[0]),
                Width = Count("--metasim-size", size[1]),
                Slots = slots == null ? Slots : Count("--metasim-slots", slots),
                Passes = passes == null ? Passes : PassNames.Of(passes.Split(',')).Distinct().ToArray(),
            };
        }

        static string Value(string[] arguments, string name)
        {
            var at = Array.IndexOf(arguments, name);
            return at >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;
        }

        static int Count(string name, string text)
        {
            int count;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count < 1)
            {
                throw new ArgumentException($"{name}: {text}; expected a number from 1 on");
            }
            return count;
        }
    }
}
