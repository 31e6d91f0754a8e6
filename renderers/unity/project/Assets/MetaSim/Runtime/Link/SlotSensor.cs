using Unity.MLAgents.Sensors;

namespace MetaSim
{
    /// <summary>Sends which batch and slot a frame is of.</summary>
    public sealed class SlotSensor : ISensor
    {
        readonly Frame frame;

        /// <param name="frame">The frame.</param>
        public SlotSensor(Frame frame)
        {
            this.frame = frame;
        }

        /// <inheritdoc/>
        public ObservationSpec GetObservationSpec()
        {
            return ObservationSpec.Vector(2);
        }

        /// <inheritdoc/>
        public string GetName()
        {
            return "slot";
        }

        /// <inheritdoc/>
        public CompressionSpec GetCompressionSpec()
        {
            return CompressionSpec.Default();
        }

        /// <inheritdoc/>
        public byte[] GetCompressedObservation()
        {
            return null;
        }

        /// <inheritdoc/>
        public int Write(ObservationWriter writer)
        {
            writer[0] = frame.Batch;
            writer[1] = frame.Slot;
            return 2;
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
