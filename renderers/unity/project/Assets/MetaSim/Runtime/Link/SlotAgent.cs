using Unity.MLAgents;
using Unity.MLAgents.Actuators;
using Unity.MLAgents.Policies;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Makes the agents that carry frames.</summary>
    static class SlotAgent
    {
        const string Behaviour = "MetaSim";

        /// <summary>An agent that sends a frame whenever it is asked for a decision.</summary>
        public static Agent Make(Frame frame, PlayerOptions options, Transform parent)
        {
            var holder = new GameObject($"{Behaviour} slot {frame.Slot}");
            holder.transform.SetParent(parent, false);
            // An agent reads its behaviour and its sensors once, when it awakes.
            holder.SetActive(false);
            var behaviour = holder.AddComponent<BehaviorParameters>();
            behaviour.BehaviorName = Behaviour;
            behaviour.BrainParameters.VectorObservationSize = 0;
            // ML-Agents cannot describe a behaviour without actions; its value is not used.
            behaviour.BrainParameters.ActionSpec = ActionSpec.MakeContinuous(1);
            holder.AddComponent<FrameSensors>().Watch(frame, options);
            var agent = holder.AddComponent<Agent>();
            holder.SetActive(true);
            return agent;
        }
    }
}
