// Names and signatures of Unity's that the project uses, from its scripting reference, to compile against; nothing here runs.
using System;
using System.Collections;

namespace UnityEngine
{
    public class Object
    {
        public string name { get => throw null; set => throw null; }
        public static bool operator ==(Object a, Object b) => throw null;
        public static bool operator !=(Object a, Object b) => throw null;
        public static implicit operator bool(Object exists) => throw null;
        public override bool Equals(object other) => throw null;
        public override int GetHashCode() => throw null;
        public static T Instantiate<T>(T original, Transform parent, bool worldPositionStays) where T : Object => throw null;
        public static void DestroyImmediate(Object obj) => throw null;
    }

    public class ScriptableObject : Object { }

    public sealed class GameObject : Object
    {
        public GameObject(string name) => throw null;
        public Transform transform => throw null;
        public T AddComponent<T>() where T : Component => throw null;
        public SceneManagement.Scene scene => throw null;
        public T GetComponent<T>() => throw null;
        public T[] GetComponentsInChildren<T>(bool includeInactive) => throw null;
        public void SetActive(bool value) => throw null;
        public static GameObject CreatePrimitive(PrimitiveType type) => throw null;
    }

    public class Component : Object
    {
        public Transform transform => throw null;
        public GameObject gameObject => throw null;
        public T GetComponent<T>() => throw null;
        public T[] GetComponentsInChildren<T>(bool includeInactive) => throw null;
    }

    public class Transform : Component, IEnumerable
    {
        public Vector3 position { get => throw null; set => throw null; }
        public Vector3 localPosition { get => throw null; set => throw null; }
        public Vector3 localScale { get => throw null; set => throw null; }
        public Quaternion rotation { get => throw null; set => throw null; }
        public Quaternion localRotation { get => throw null; set => throw null; }
        public Transform parent { get => throw null; set => throw null; }
        public void SetParent(Transform parent, bool worldPositionStays) => throw null;
        public Transform Find(string n) => throw null;
        public IEnumerator GetEnumerator() => throw null;
    }

    public class Behaviour : Component
    {
        public bool enabled { get => throw null; set => throw null; }
    }

    public class MonoBehaviour : Behaviour { }

    public class Renderer : Component
    {
        public void GetPropertyBlock(MaterialPropertyBlock properties) => throw null;
        public void SetPropertyBlock(MaterialPropertyBlock properties) => throw null;
    }

    public class SkinnedMeshRenderer : Renderer
    {
        public bool forceMatrixRecalculationPerRender { get => throw null; set => throw null; }
    }

    public sealed class MaterialPropertyBlock
    {
        public void SetVector(int nameID, Vector4 value) => throw null;
    }

    public sealed class Shader : Object
    {
        public bool isSupported => throw null;
        public static int PropertyToID(string name) => throw null;
        public static void SetGlobalVector(int nameID, Vector4 value) => throw null;
    }

    public sealed class Camera : Behaviour
    {
        public float aspect { get => throw null; set => throw null; }
        public float fieldOfView { get => throw null; set => throw null; }
        public float nearClipPlane { get => throw null; set => throw null; }
        public float farClipPlane { get => throw null; set => throw null; }
        public Rect rect { get => throw null; set => throw null; }
        public bool orthographic { get => throw null; set => throw null; }
        public bool allowHDR { get => throw null; set => throw null; }
        public bool allowMSAA { get => throw null; set => throw null; }
        public Color backgroundColor { get => throw null; set => throw null; }
        public CameraClearFlags clearFlags { get => throw null; set => throw null; }
        public RenderingPath renderingPath { get => throw null; set => throw null; }
        public RenderTexture targetTexture { get => throw null; set => throw null; }
        public Matrix4x4 projectionMatrix { get => throw null; set => throw null; }
        public void CopyFrom(Camera other) => throw null;
        public void Render() => throw null;
        public void RenderWithShader(Shader shader, string replacementTag) => throw null;
    }

    public sealed class Light : Behaviour
    {
        public LightType type { get => throw null; set => throw null; }
        public LightShadows shadows { get => throw null; set => throw null; }
        public float intensity { get => throw null; set => throw null; }
    }

    public class Texture : Object { }

    public class RenderTexture : Texture
    {
        public static RenderTexture active { get => throw null; set => throw null; }
        public static RenderTexture GetTemporary(
            int width, int height, int depthBuffer, RenderTextureFormat format, RenderTextureReadWrite readWrite,
            int antiAliasing) => throw null;
        public static void ReleaseTemporary(RenderTexture temp) => throw null;
    }

    public sealed class Texture2D : Texture
    {
        public Texture2D(int width, int height, TextureFormat textureFormat, bool mipChain, bool linear) => throw null;
        public void ReadPixels(Rect source, int destX, int destY, bool recalculateMipMaps) => throw null;
        public void SetPixels32(Color32[] colors) => throw null;
    }

    public static class ImageConversion
    {
        public static byte[] EncodeToPNG(this Texture2D tex) => throw null;
    }

    public static class Resources
    {
        public static T Load<T>(string path) where T : Object => throw null;
    }

    public static class Application
    {
        public static int targetFrameRate { get => throw null; set => throw null; }
        public static bool runInBackground { get => throw null; set => throw null; }
        public static bool isBatchMode => throw null;
        public static void Quit(int exitCode) => throw null;
    }

    public static class QualitySettings
    {
        public static int vSyncCount { get => throw null; set => throw null; }
        public static int antiAliasing { get => throw null; set => throw null; }
    }

    public static class Debug
    {
        public static void Log(object message) => throw null;
        public static void LogError(object message) => throw null;
    }

    public static class Mathf
    {
        public static int Max(int a, int b) => throw null;
    }

    public static class Random
    {
        public static void InitState(int seed) => throw null;
    }

    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) => throw null;
    }

    public struct Vector4
    {
        public float x, y, z, w;
        public Vector4(float x, float y, float z, float w) => throw null;
        public static Vector4 zero => throw null;
        public static Vector4 operator /(Vector4 a, float d) => throw null;
    }

    public struct Quaternion
    {
        public float x, y, z, w;
        public Quaternion(float x, float y, float z, float w) => throw null;
        public static Quaternion Euler(Vector3 euler) => throw null;
        public static Quaternion Euler(float x, float y, float z) => throw null;
        public static Quaternion operator *(Quaternion lhs, Quaternion rhs) => throw null;
    }

    public struct Matrix4x4
    {
        public float m00, m02, m11, m12;
    }

    public struct Color
    {
        public static Color black => throw null;
        public static Color white => throw null;
    }

    public struct Color32 { }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) => throw null;
    }

    public enum PrimitiveType { Sphere, Capsule, Cylinder, Cube, Plane, Quad }
    public enum CameraClearFlags { Skybox = 1, Color = 2, SolidColor = 2, Depth = 3, Nothing = 4 }
    public enum RenderingPath { UsePlayerSettings = -1, VertexLit = 0, Forward = 1, DeferredLighting = 2, DeferredShading = 3 }
    public enum RenderTextureFormat { ARGB32 = 0 }
    public enum RenderTextureReadWrite { Default, Linear, sRGB }
    public enum TextureFormat { RGB24 = 3 }
    public enum LightType { Spot, Directional, Point }
    public enum LightShadows { None, Hard, Soft }
    public enum ColorSpace { Uninitialized = -1, Gamma = 0, Linear = 1 }
    public enum FullScreenMode { ExclusiveFullScreen, FullScreenWindow, MaximizedWindow, Windowed }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute { }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute
    {
        public TooltipAttribute(string tooltip) => throw null;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string menuName) => throw null;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CreateAssetMenuAttribute : Attribute
    {
        public string menuName { get => throw null; set => throw null; }
    }
}

namespace UnityEngine.SceneManagement
{
    public struct Scene
    {
        public GameObject[] GetRootGameObjects() => throw null;
    }
}
