using System;
using System.IO;
using System.IO.Compression;

namespace MetaSim
{
    /// <summary>The gzip format (RFC 1952).</summary>
    public static class Gzip
    {
        const int TrailerLength = 8;
        const uint Polynomial = 0xEDB88320;

        /// <summary>Compresses bytes.</summary>
        public static byte[] Compress(byte[] bytes)
        {
            var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionMode.Compress))
            {
                gzip.Write(bytes, 0, bytes.Length);
            }
            return compressed.ToArray();
        }

        /// <summary>Decompresses one whole gzip member.</summary>
        /// <remarks>GZipStream accepts streams that are cut off or damaged, so the trailer is compared here.</remarks>
        /// <exception cref="InvalidDataException">If they are no such member, or a damaged one.</exception>
        public static byte[] Decompress(byte[] compressed)
        {
            var bytes = Inflated(compressed);
            var trailer = compressed.Length - TrailerLength;
            if (trailer < 0
                || BitConverter.ToUInt32(compressed, trailer) != Checksum(bytes)
                || BitConverter.ToUInt32(compressed, trailer + 4) != (uint)bytes.Length)
            {
                throw new InvalidDataException("damaged gzip");
            }
            return bytes;
        }

        static byte[] Inflated(byte[] compressed)
        {
            var bytes = new MemoryStream();
            using (var gzip = new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress))
            {
                gzip.CopyTo(bytes);
            }
            return bytes.ToArray();
        }

        static uint Checksum(byte[] bytes)
        {
            var sum = uint.MaxValue;
            foreach (var each in bytes)
            {
                sum ^= each;
                for (var bit = 0; bit < 8; bit++)
                {
                    sum = (sum & 1) != 0 ? (sum >> 1) ^ Polynomial : sum >> 1;
                }
            }
            return ~sum;
        }
    }
}
