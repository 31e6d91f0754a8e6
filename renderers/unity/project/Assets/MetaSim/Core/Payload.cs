using System;
using System.IO;
using System.Text;

namespace MetaSim
{
    /// <summary>A message of the side channel: a header in little-endian and a JSON text in gzip.</summary>
    public sealed class Payload
    {
        const int Version = 1;
        const int HeaderLength = 20;
        static readonly byte[] Magic = Encoding.ASCII.GetBytes("MSIM");

        /// <param name="kind">What it is.</param>
        /// <param name="batch">The number of the batch it belongs to.</param>
        /// <param name="scenes">How many scenes the text lists.</param>
        /// <param name="json">The text, UTF-8.</param>
        public Payload(PayloadKind kind, int batch, int scenes, byte[] json)
        {
            Kind = kind;
            Batch = batch;
            Scenes = scenes;
            Json = json;
        }

        /// <summary>What it is.</summary>
        public PayloadKind Kind { get; }

        /// <summary>The number of the batch it belongs to, from 1 on.</summary>
        public int Batch { get; }

        /// <summary>How many scenes the text lists.</summary>
        public int Scenes { get; }

        /// <summary>The text, UTF-8.</summary>
        public byte[] Json { get; }

        /// <summary>Reads the bytes of a payload.</summary>
        /// <exception cref="ProtocolException">If they are none, or of another version.</exception>
        public static Payload Unpack(byte[] bytes)
        {
            if (bytes.Length < HeaderLength)
            {
                throw new ProtocolException($"a payload of {bytes.Length} bytes");
            }
            for (var i = 0; i < Magic.Length; i++)
            {
                Rules.Require(bytes[i] == Magic[i], "a payload that does not begin with MSIM");
            }
            var header = new BinaryReader(new MemoryStream(bytes, Magic.Length, HeaderLength - Magic.Length));
            var version = header.ReadInt32();
            Rules.Require(version == Version, $"a payload of version {version}, this player speaks {Version}");
            var kind = (PayloadKind)header.ReadInt32();
            Rules.Require(Enum.IsDefined(typeof(PayloadKind), kind), $"a payload of the unknown kind {(int)kind}");
            var batch = header.ReadInt32();
            var scenes = header.ReadInt32();
            Rules.Require(batch >= 0 && scenes >= 0, $"a payload of batch {batch} with {scenes} scenes");
            return new Payload(kind, batch, scenes, Text(bytes, batch));
        }

        /// <summary>The bytes of the payload.</summary>
        public byte[] Pack()
        {
            var bytes = new MemoryStream();
            using (var writer = new BinaryWriter(bytes))
            {
                writer.Write(Magic);
                writer.Write(Version);
                writer.Write((int)Kind);
                writer.Write(Batch);
                writer.Write(Scenes);
                writer.Write(Gzip.Compress(Json));
            }
            return bytes.ToArray();
        }

        static byte[] Text(byte[] bytes, int batch)
        {
            var compressed = new byte[bytes.Length - HeaderLength];
            Array.Copy(bytes, HeaderLength, compressed, 0, compressed.Length);
            try
            {
                return Gzip.Decompress(compressed);
            }
            catch (Exception error) when (error is IOException || error is SystemException)
            {
                throw new ProtocolException($"a payload with broken gzip: {error.Message}", batch);
            }
        }
    }
}
