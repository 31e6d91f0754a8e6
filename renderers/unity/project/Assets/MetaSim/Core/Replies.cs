using System.Text.RegularExpressions;

namespace MetaSim
{
    /// <summary>What the player answers, as bytes of a payload.</summary>
    public static class Replies
    {
        /// <summary>What became of a batch.</summary>
        public static byte[] Rendered(int batch, SceneReply[] scenes)
        {
            var json = Json.Write(new BatchReply { Scenes = scenes });
            return new Payload(PayloadKind.Reply, batch, scenes.Length, json).Pack();
        }

        /// <summary>Why a payload was refused.</summary>
        public static byte[] Refused(ProtocolException error)
        {
            var json = Json.Write(new ErrorReply { Error = OneLine(error.Message) });
            return new Payload(PayloadKind.Error, error.Batch, 0, json).Pack();
        }

        /// <summary>A message of an exception without its line breaks.</summary>
        public static string OneLine(string message)
        {
            return Regex.Replace(message, @"\s+", " ").Trim();
        }
    }
}
