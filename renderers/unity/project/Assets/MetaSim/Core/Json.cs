using System.IO;
using System.Runtime.Serialization.Json;

namespace MetaSim
{
    /// <summary>Data contracts as JSON in UTF-8.</summary>
    public static class Json
    {
        /// <summary>Reads a value; keys that its contract does not know are passed over.</summary>
        /// <remarks>What is wrong with a text shows as exceptions of many kinds.</remarks>
        public static T Read<T>(byte[] json)
        {
            return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(new MemoryStream(json));
        }

        /// <summary>Writes a value; doubles survive to the last bit.</summary>
        public static byte[] Write<T>(T value)
        {
            var json = new MemoryStream();
            new DataContractJsonSerializer(typeof(T)).WriteObject(json, value);
            return json.ToArray();
        }
    }
}
