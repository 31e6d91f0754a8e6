using System;
using Unity.MLAgents.SideChannels;

namespace MetaSim
{
    /// <summary>The side channel: batches in, replies out.</summary>
    public sealed class SceneChannel : SideChannel
    {
        readonly int slots;
        SceneBatch pending;

        /// <param name="slots">How many scenes a batch may have.</param>
        public SceneChannel(int slots)
        {
            this.slots = slots;
            ChannelId = new Guid("6c1b8f0e-8a0b-4d8c-9d0a-5b3f1e7a2c01");
        }

        /// <summary>The batch that has come since the last call, null if none has.</summary>
        public SceneBatch Take()
        {
            var taken = pending;
            pending = null;
            return taken;
        }

        /// <summary>Sends what became of a batch, with the frames of the next step.</summary>
        public void Answer(int batch, SceneReply[] scenes)
        {
            Send(Replies.Rendered(batch, scenes));
        }

        /// <inheritdoc/>
        protected override void OnMessageReceived(IncomingMessage message)
        {
            try
            {
                pending = SceneBatch.Unpack(message.GetRawBytes(), slots);
            }
            catch (ProtocolException error)
            {
                Send(Replies.Refused(error));
            }
        }

        void Send(byte[] payload)
        {
            using (var message = new OutgoingMessage())
            {
                message.SetRawBytes(payload);
                QueueMessageToSend(message);
            }
        }
    }
}
