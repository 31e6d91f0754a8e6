using System;

namespace MetaSim.Tests
{
    /// <summary>A struct as Unity's vectors are.</summary>
    public struct Triple
    {
        public float x;
        public float y;
        public readonly float z;

        public float Sum
        {
            get { return x + y; }
        }
    }

    /// <summary>An object inside another.</summary>
    public sealed class Inner
    {
        public Triple colour;
        public double depth { get; set; }
    }

    /// <summary>What a component may offer to bind.</summary>
    public sealed class Probe
    {
        readonly Inner inner = new Inner();

        public float intensity;
        public int count { get; set; }
        public bool shown = true;
        public Triple position { get; set; }
        public readonly Triple origin;
        public string label = "";
        public float Least
        {
            get { return 0; }
        }
        public Inner material
        {
            get { return inner; }
        }
    }
}
