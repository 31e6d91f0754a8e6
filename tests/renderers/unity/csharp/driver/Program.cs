using System;
using System.Globalization;
using System.IO;
using System.Linq;

namespace MetaSim.Tests
{
    /// <summary>Drives the message code from outside: a frame in, a frame out, until the input ends.</summary>
    public static class Program
    {
        const int Slots = 4;

        /// <summary>Runs one of the conversations below.</summary>
        public static int Main(string[] arguments)
        {
            Func<byte[], byte[]> answer;
            switch (arguments[0])
            {
                case "batch": answer = Repeat; break;
                case "reply": answer = Reply; break;
                case "options": answer = Options; break;
                case "member": answer = Member; break;
                case "casting": answer = new Theatre().Cast; break;
                default: return 1;
            }
            Converse(Console.OpenStandardInput(), Console.OpenStandardOutput(), answer);
            return 0;
        }

        static void Converse(Stream from, Stream to, Func<byte[], byte[]> answer)
        {
            var reader = new BinaryReader(from);
            var writer = new BinaryWriter(to);
            for (var length = reader.ReadBytes(4); length.Length == 4; length = reader.ReadBytes(4))
            {
                var answered = answer(reader.ReadBytes(BitConverter.ToInt32(length, 0)));
                writer.Write(answered.Length);
                writer.Write(answered);
                writer.Flush();
            }
        }

        /// <summary>A batch as it was understood, or the refusal.</summary>
        static byte[] Repeat(byte[] payload)
        {
            try
            {
                var batch = SceneBatch.Unpack(payload, Slots);
                var message = new BatchMessage { Passes = batch.Passes.Select(PassNames.NameOf).ToArray(), Scenes = batch.Scenes };
                return new Payload(PayloadKind.Batch, batch.Number, batch.Scenes.Length, Json.Write(message)).Pack();
            }
            catch (ProtocolException error)
            {
                return Replies.Refused(error);
            }
        }

        /// <summary>A reply whose numbers are those of each scene's root.</summary>
        static byte[] Reply(byte[] payload)
        {
            var batch = SceneBatch.Unpack(payload, Slots);
            return Replies.Rendered(batch.Number, batch.Scenes.Select(ReplyTo).ToArray());
        }

        static SceneReply ReplyTo(SceneMessage scene)
        {
            var root = scene.Nodes[0];
            var camera = new CameraReply
            {
                Present = true,
                Position = root.Values.Skip(2).Take(3).ToArray(),
                Rotation = root.Rotation,
                Intrinsics = root.Values.Skip(5).Take(4).ToArray(),
            };
            var error = Replies.OneLine(root.Class);
            return new SceneReply { Id = scene.Id, Error = error, Far = root.Values[0], Seconds = root.Values[1], Camera = camera };
        }

        /// <summary>The options of a command line, its arguments one a line.</summary>
        static byte[] Options(byte[] lines)
        {
            return Said(() =>
            {
                var options = new PlayerOptions().With(Text(lines).Split('\n'));
                var passes = string.Join(",", options.Passes.Select(PassNames.NameOf));
                return $"{options.Height} {options.Width} {options.Slots} {passes}";
            });
        }

        /// <summary>Writes a number into a probe and reads it back; without one, lists what can be written.</summary>
        static byte[] Member(byte[] line)
        {
            return Said(() =>
            {
                var words = Text(line).Split(' ');
                if (words.Length == 1)
                {
                    return string.Join(" ", MemberPath.Numbers(typeof(Probe)));
                }
                var probe = new Probe();
                var path = MemberPath.Of(typeof(Probe), words[0]);
                path.Write(probe, double.Parse(words[1], CultureInfo.InvariantCulture));
                return path.Read(probe).ToString("R", CultureInfo.InvariantCulture);
            });
        }

        static byte[] Said(Func<string> what)
        {
            try
            {
                return System.Text.Encoding.UTF8.GetBytes(what());
            }
            catch (ArgumentException error)
            {
                return System.Text.Encoding.UTF8.GetBytes($"refused: {error.Message}");
            }
        }

        static string Text(byte[] utf8)
        {
            return System.Text.Encoding.UTF8.GetString(utf8);
        }
    }
}
