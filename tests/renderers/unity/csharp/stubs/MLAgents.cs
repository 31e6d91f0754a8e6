// Names and signatures of com.unity.ml-agents 2.0.1 that the project uses, to compile against; nothing here runs.
using System;
using UnityEngine;

namespace Unity.MLAgents
{
    public class Agent : MonoBehaviour
    {
        public void RequestDecision() => throw null;
    }

    public class Academy
    {
        public static Academy Instance => throw null;
        public bool IsCommunicatorOn => throw null;
        public bool AutomaticSteppingEnabled { get => throw null; set => throw null; }
        public void EnvironmentStep() => throw null;
    }
}

namespace Unity.MLAgents.Actuators
{
    public struct ActionSpec
    {
        public static ActionSpec MakeContinuous(int numActions) => throw null;
    }
}

namespace Unity.MLAgents.Policies
{
    public class BrainParameters
    {
        public int VectorObservationSize;
        public Actuators.ActionSpec ActionSpec { get => throw null; set => throw null; }
    }

    public class BehaviorParameters : MonoBehaviour
    {
        public BrainParameters BrainParameters => throw null;
        public string BehaviorName { get => throw null; set => throw null; }
    }
}

namespace Unity.MLAgents.Sensors
{
    public enum ObservationType { Default, GoalSignal }
    public enum SensorCompressionType { None, PNG }

    public struct ObservationSpec
    {
        public static ObservationSpec Vector(int length, ObservationType obsType = ObservationType.Default) => throw null;
        public static ObservationSpec Visual(
            int height, int width, int channels, ObservationType obsType = ObservationType.Default) => throw null;
    }

    public struct CompressionSpec
    {
        public CompressionSpec(SensorCompressionType sensorCompressionType, int[] compressedChannelMapping = null) => throw null;
        public static CompressionSpec Default() => throw null;
    }

    public class ObservationWriter
    {
        public float this[int index] { set => throw null; }
    }

    public interface ISensor
    {
        ObservationSpec GetObservationSpec();
        int Write(ObservationWriter writer);
        byte[] GetCompressedObservation();
        void Update();
        void Reset();
        CompressionSpec GetCompressionSpec();
        string GetName();
    }

    public abstract class SensorComponent : MonoBehaviour
    {
        public abstract ISensor[] CreateSensors();
    }
}

namespace Unity.MLAgents.SideChannels
{
    public class IncomingMessage : IDisposable
    {
        public byte[] GetRawBytes() => throw null;
        public void Dispose() => throw null;
    }

    public class OutgoingMessage : IDisposable
    {
        public void SetRawBytes(byte[] data) => throw null;
        public void Dispose() => throw null;
    }

    public abstract class SideChannel
    {
        public Guid ChannelId { get => throw null; protected set => throw null; }
        protected abstract void OnMessageReceived(IncomingMessage msg);
        protected void QueueMessageToSend(OutgoingMessage msg) => throw null;
    }

    public static class SideChannelManager
    {
        public static void RegisterSideChannel(SideChannel sideChannel) => throw null;
        public static void UnregisterSideChannel(SideChannel sideChannel) => throw null;
    }
}
