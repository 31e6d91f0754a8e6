using System.Collections.Generic;

namespace MetaSim
{
    /// <summary>What one agent shows: the images of the scene in its slot, as PNG.</summary>
    public sealed class Frame
    {
        readonly Dictionary<Pass, byte[]> images = new Dictionary<Pass, byte[]>();
        readonly byte[] blank;

        /// <param name="slot">Its place among the frames of a step.</param>
        /// <param name="blank">The image of a pass that was not rendered.</param>
        public Frame(int slot, byte[] blank)
        {
            Slot = slot;
            this.blank = blank;
        }

        /// <summary>Its place among the frames of a step.</summary>
        public int Slot { get; }

        /// <summary>The batch that its images are of, 0 for none yet.</summary>
        public int Batch { get; private set; }

        /// <summary>Drops the images for those of another batch.</summary>
        public void Begin(int batch)
        {
            Batch = batch;
            images.Clear();
        }

        /// <summary>Takes the image of a pass.</summary>
        public void Add(Pass pass, byte[] png)
        {
            images[pass] = png;
        }

        /// <summary>The image of a pass.</summary>
        public byte[] Image(Pass pass)
        {
            byte[] png;
            return images.TryGetValue(pass, out png) ? png : blank;
        }
    }
}
