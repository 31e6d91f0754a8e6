using System;
using System.Collections.Generic;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Takes the images of what stands before a camera.</summary>
    public sealed class Photographer
    {
        const int DepthBits = 24;
        static readonly Dictionary<Pass, Color> Backgrounds = new Dictionary<Pass, Color>
        {
            { Pass.Instance, Color.black },
            { Pass.Depth, Color.white },
            { Pass.Normal, Color.white },
        };

        readonly Camera eye;
        readonly Camera labelEye;
        readonly int height;
        readonly int width;
        readonly Dictionary<Pass, Shader> shaders = new Dictionary<Pass, Shader>();

        /// <param name="eye">The camera of the scene, a perspective one.</param>
        /// <param name="height">Height of the images, pixels.</param>
        /// <param name="width">Width of the images, pixels.</param>
        /// <exception cref="ArgumentException">If the camera or a shader cannot be used.</exception>
        public Photographer(Camera eye, int height, int width)
        {
            if (eye == null || eye.orthographic)
            {
                throw new ArgumentException("MetaSim: the render server needs a perspective camera");
            }
            this.eye = eye;
            this.height = height;
            this.width = width;
            labelEye = LabelEye();
            // Unity would draw it to the screen as well.
            eye.enabled = false;
            eye.rect = new Rect(0, 0, 1, 1);
            foreach (var pass in Backgrounds.Keys)
            {
                shaders[pass] = Load(pass);
            }
        }

        /// <summary>Metres at which the code of depths ends.</summary>
        public double Far
        {
            get { return eye.farClipPlane; }
        }

        /// <summary>The camera, as the reply tells of it.</summary>
        public CameraReply Describe()
        {
            eye.aspect = (float)width / height;
            var at = eye.transform.position;
            var turn = eye.transform.rotation;
            return new CameraReply
            {
                Present = true,
                Position = new double[] { at.x, at.y, at.z },
                Rotation = new double[] { turn.x, turn.y, turn.z, turn.w },
                Intrinsics = Intrinsics(eye.projectionMatrix),
            };
        }

        /// <summary>Takes the image of a pass, as PNG.</summary>
        public byte[] Take(Pass pass)
        {
            eye.aspect = (float)width / height;
            if (pass == Pass.Rgb)
            {
                var samples = Mathf.Max(1, QualitySettings.antiAliasing);
                return Develop(eye, RenderTextureReadWrite.sRGB, samples, eye.Render);
            }
            Prepare(Backgrounds[pass]);
            return Develop(labelEye, RenderTextureReadWrite.Linear, 1, () => labelEye.RenderWithShader(shaders[pass], ""));
        }

        /// <summary>A black image, as PNG.</summary>
        public byte[] Blank()
        {
            return Encoded(new Color32[height * width], false);
        }

        /// <summary>Replaces the label camera's settings by the scene camera's, but for what would blend codes.</summary>
        void Prepare(Color background)
        {
            labelEye.CopyFrom(eye);
            labelEye.enabled = false;
            labelEye.aspect = eye.aspect;
            labelEye.clearFlags = CameraClearFlags.SolidColor;
            labelEye.backgroundColor = background;
            labelEye.renderingPath = RenderingPath.Forward;
            labelEye.allowHDR = false;
            labelEye.allowMSAA = false;
        }

        byte[] Develop(Camera from, RenderTextureReadWrite colours, int samples, Action render)
        {
            var target = RenderTexture.GetTemporary(width, height, DepthBits, RenderTextureFormat.ARGB32, colours, samples);
            var active = RenderTexture.active;
            from.targetTexture = target;
            try
            {
                render();
                RenderTexture.active = target;
                return Read(colours == RenderTextureReadWrite.Linear);
            }
            finally
            {
                from.targetTexture = null;
                RenderTexture.active = active;
                RenderTexture.ReleaseTemporary(target);
            }
        }

        byte[] Read(bool linear)
        {
            var texture = new Texture2D(width, height, TextureFormat.RGB24, false, linear);
            texture.ReadPixels(new Rect(0, 0, width, height), 0, 0, false);
            return Encoded(texture);
        }

        byte[] Encoded(Color32[] pixels, bool linear)
        {
            var texture = new Texture2D(width, height, TextureFormat.RGB24, false, linear);
            texture.SetPixels32(pixels);
            return Encoded(texture);
        }

        static byte[] Encoded(Texture2D texture)
        {
            var png = texture.EncodeToPNG();
            UnityEngine.Object.DestroyImmediate(texture);
            return png;
        }

        /// <summary>A camera of its own: image effects of the scene's would change codes.</summary>
        static Camera LabelEye()
        {
            var holder = new GameObject("MetaSim label camera");
            var camera = holder.AddComponent<Camera>();
            camera.enabled = false;
            return camera;
        }

        static Shader Load(Pass pass)
        {
            var shader = Resources.Load<Shader>($"MetaSim/{pass}");
            if (shader == null || !shader.isSupported)
            {
                throw new ArgumentException($"MetaSim: the shader MetaSim/{pass} does not run here");
            }
            return shader;
        }

        /// <summary>fx, fy, cx, cy of an OpenGL projection, whose clip coordinates are y up.</summary>
        double[] Intrinsics(Matrix4x4 projection)
        {
            return new double[]
            {
                projection.m00 * width / 2,
                projection.m11 * height / 2,
                (1 - projection.m02) * width / 2,
                (1 + projection.m12) * height / 2,
            };
        }
    }
}
