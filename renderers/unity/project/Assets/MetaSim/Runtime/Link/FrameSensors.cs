using System.Linq;
using Unity.MLAgents.Sensors;
using UnityEngine;

namespace MetaSim
{
    /// <summary>The sensors of an agent: one a pass, and one for the slot.</summary>
    [AddComponentMenu("")]
    public sealed class FrameSensors : SensorComponent
    {
        Frame frame;
        PlayerOptions options;

        /// <summary>Says what to send, before the agent awakes.</summary>
        public void Watch(Frame watched, PlayerOptions shape)
        {
            frame = watched;
            options = shape;
        }

        /// <inheritdoc/>
        public override ISensor[] CreateSensors()
        {
            var passes = options.Passes.Select(pass => new PassSensor(frame, pass, options.Height, options.Width));
            return passes.Concat(new ISensor[] { new SlotSensor(frame) }).ToArray();
        }
    }
}
