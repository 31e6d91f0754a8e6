using System;
using Unity.MLAgents.Sensors;

namespace MetaSim
{
    /// <summary>Sends one pass of a frame.</summary>
    public sealed class PassSensor : ISensor
    {
        const int Channels = 3;

        readonly Frame frame;
        readonly Pass pass;
        readonly ObservationSpec spec;

        /// <param name="frame">Where the images are.</param>
        /// <param name="pass">Which one is sent.</param>
        /// <param name="height">Its height, pixels.</param>
        /// <param name="width">Its width, pixels.</param>
        public PassSensor(Frame frame, Pass pass, int height, int width)
        {
            this.frame = frame;
            this.pass = pass;
            spec = ObservationSpec.Visual(height, width, Channels);
        }

        /// <inheritdoc/>
        public ObservationSpec GetObservationSpec()
        {
            return spec;
        }

        /// <inheritdoc/>
        public string GetName()
        {
            return PassNames.NameOf(pass);
        }

        /// <inheritdoc/>
        public CompressionSpec GetCompressionSpec()
        {
            return new CompressionSpec(SensorCompressionType.PNG);
        }

        /// <inheritdoc/>
        public byte[] GetCompressedObservation()
        {
            return frame.Image(pass);
        }

        /// <inheritdoc/>
        public int Write(ObservationWriter writer)
        {
            throw new NotSupportedException("frames are sent as PNG only");
        }

        /// <inheritdoc/>
        public void Update()
        {
        }

        /// <inheritdoc/>
        public void Reset()
        {
        }
    }
}
