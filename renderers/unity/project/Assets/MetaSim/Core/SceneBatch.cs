using System;
using System.Linq;

namespace MetaSim
{
    /// <summary>Scenes to render in one step, checked as a whole.</summary>
    public sealed class SceneBatch
    {
        /// <summary>Numbers stay below it, since frames carry them as floats.</summary>
        const int NumberEnd = 1 << 24;

        SceneBatch(int number, Pass[] passes, SceneMessage[] scenes)
        {
            Number = number;
            Passes = passes;
            Scenes = scenes;
        }

        /// <summary>Its number, from 1 on.</summary>
        public int Number { get; }

        /// <summary>The passes whose pixels are wanted.</summary>
        public Pass[] Passes { get; }

        /// <summary>The scenes, in the order of their slots.</summary>
        public SceneMessage[] Scenes { get; }

        /// <summary>Reads the bytes of a payload.</summary>
        /// <param name="bytes">The payload.</param>
        /// <param name="slots">How many scenes fit in.</param>
        /// <exception cref="ProtocolException">If they are no such batch.</exception>
        public static SceneBatch Unpack(byte[] bytes, int slots)
        {
            var payload = Payload.Unpack(bytes);
            try
            {
                return Checked(payload, slots);
            }
            catch (ProtocolException error)
            {
                throw new ProtocolException(error.Message, payload.Batch);
            }
        }

        static SceneBatch Checked(Payload payload, int slots)
        {
            Rules.Require(payload.Kind == PayloadKind.Batch, $"a payload of the kind {payload.Kind}, not a batch");
            Rules.Require(payload.Batch > 0 && payload.Batch < NumberEnd, $"a batch of the number {payload.Batch}");
            var message = Message(payload.Json);
            Rules.Require(message != null && message.Passes != null && message.Scenes != null, "a batch without scenes");
            var count = message.Scenes.Length;
            Rules.Require(count == payload.Scenes, $"{count} scenes where the header says {payload.Scenes}");
            Rules.Require(count <= slots, $"{count} scenes for {slots} slots");
            for (var slot = 0; slot < count; slot++)
            {
                Rules.Check(message.Scenes[slot], slot);
            }
            return new SceneBatch(payload.Batch, PassesOf(message), message.Scenes);
        }

        static BatchMessage Message(byte[] json)
        {
            try
            {
                return Json.Read<BatchMessage>(json);
            }
            catch (Exception error)
            {
                // The serialiser has no exception of its own for texts that are not what it expects.
                throw new ProtocolException($"a batch that cannot be read: {error.Message}");
            }
        }

        static Pass[] PassesOf(BatchMessage message)
        {
            try
            {
                return PassNames.Of(message.Passes).Distinct().ToArray();
            }
            catch (ArgumentException error)
            {
                throw new ProtocolException(error.Message);
            }
        }
    }
}
