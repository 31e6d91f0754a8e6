using System;
using System.Linq;
using Unity.MLAgents;
using Unity.MLAgents.SideChannels;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Renders what Python asks for. One a scene, with the camera to look through.</summary>
    [AddComponentMenu("MetaSim/Render server")]
    public sealed class RenderServer : MonoBehaviour
    {
        [SerializeField]
        [Tooltip("The camera to look through; a perspective one.")]
        Camera eye;

        [SerializeField]
        [Tooltip("Used in the editor; a player has them from its command line.")]
        PlayerOptions options = new PlayerOptions();

        SceneChannel channel;
        Stage stage;
        Photographer photographer;
        Frame[] frames;
        Agent[] agents;
        int asked;

        /// <summary>Sets by code what the inspector sets by hand.</summary>
        public void Look(Camera through)
        {
            eye = through;
        }

        void Awake()
        {
            // An idle player waits inside a call of ML-Agents, so nothing else needs to limit its pace.
            Application.targetFrameRate = -1;
            QualitySettings.vSyncCount = 0;
            Application.runInBackground = true;
            InstanceIds.ClearOthers();
        }

        void Start()
        {
            try
            {
                Prepare();
            }
            catch (Exception error)
            {
                End(error.Message);
            }
        }

        void Update()
        {
            var batch = channel.Take();
            if (batch != null)
            {
                channel.Answer(batch.Number, batch.Scenes.Select(scene => Render(scene, batch)).ToArray());
                asked = batch.Scenes.Length;
            }
            // The first agent keeps the conversation up where there is nothing to show.
            foreach (var agent in agents.Take(Math.Max(1, asked)))
            {
                agent.RequestDecision();
            }
            asked = 0;
            // Sends the frames, and returns with the next batch.
            Academy.Instance.EnvironmentStep();
        }

        void OnDestroy()
        {
            if (channel != null)
            {
                SideChannelManager.UnregisterSideChannel(channel);
            }
        }

        void Prepare()
        {
            options = options.With(Environment.GetCommandLineArgs());
            photographer = new Photographer(eye, options.Height, options.Width);
            // In the order of the hierarchy, which is the same in every run.
            var roots = gameObject.scene.GetRootGameObjects();
            stage = new Stage(roots.SelectMany(root => root.GetComponentsInChildren<MetaSimNode>(true)));
            channel = new SceneChannel(options.Slots);
            SideChannelManager.RegisterSideChannel(channel);
            var blank = photographer.Blank();
            frames = Enumerable.Range(0, options.Slots).Select(slot => new Frame(slot, blank)).ToArray();
            // The first agent makes ML-Agents connect, which returns with the first batch.
            agents = frames.Select(frame => SlotAgent.Make(frame, options, transform)).ToArray();
            if (!Academy.Instance.IsCommunicatorOn)
            {
                throw new InvalidOperationException("MetaSim: nobody answers; start this scene once metasim waits for it");
            }
            Academy.Instance.AutomaticSteppingEnabled = false;
        }

        SceneReply Render(SceneMessage scene, SceneBatch batch)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var frame = frames[scene.Id];
            frame.Begin(batch.Number);
            var reply = new SceneReply { Id = scene.Id };
            try
            {
                stage.Show(scene);
                foreach (var pass in batch.Passes)
                {
                    frame.Add(pass, photographer.Take(pass));
                }
                reply.Camera = photographer.Describe();
                reply.Far = photographer.Far;
            }
            catch (Exception error)
            {
                // Components of the user's take part, so anything may be thrown; Python names the scene.
                reply.Error = Replies.OneLine($"{error.GetType().Name}: {error.Message}");
            }
            reply.Seconds = clock.Elapsed.TotalSeconds;
            return reply;
        }

        void End(string reason)
        {
            Debug.LogError(reason);
            enabled = false;
            Application.Quit(1);
        }
    }
}
