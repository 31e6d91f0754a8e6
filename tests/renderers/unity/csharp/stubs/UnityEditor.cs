// Names and signatures of Unity's editor that the project uses, from its scripting reference, to compile against; nothing here runs.
using System;
using UnityEngine;
using UnityEngine.SceneManagement;

namespace UnityEditor
{
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName) => throw null;
    }

    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType) => throw null;
    }

    public class Editor : ScriptableObject
    {
        public SerializedObject serializedObject => throw null;
        public virtual void OnInspectorGUI() => throw null;
    }

    public class SerializedObject
    {
        public void Update() => throw null;
        public bool ApplyModifiedProperties() => throw null;
        public SerializedProperty FindProperty(string propertyPath) => throw null;
    }

    public class SerializedProperty
    {
        public string stringValue { get => throw null; set => throw null; }
        public UnityEngine.Object objectReferenceValue { get => throw null; set => throw null; }
    }

    public static class EditorGUILayout
    {
        public static bool PropertyField(SerializedProperty property, params GUILayoutOption[] options) => throw null;
        public static int Popup(string label, int selectedIndex, string[] displayedOptions, params GUILayoutOption[] options) => throw null;
    }

    public enum BuildTarget { StandaloneLinux64 = 24 }
    public enum BuildTargetGroup { Standalone = 1 }
    public enum BuildOptions { None = 0 }
    public enum ScriptingImplementation { Mono2x, IL2CPP }
    public enum ManagedStrippingLevel { Disabled, Low, Medium, High }

    public static class PlayerSettings
    {
        public static bool runInBackground { get => throw null; set => throw null; }
        public static FullScreenMode fullScreenMode { get => throw null; set => throw null; }
        public static ColorSpace colorSpace { get => throw null; set => throw null; }
        public static void SetScriptingBackend(BuildTargetGroup targetGroup, ScriptingImplementation backend) => throw null;
        public static void SetManagedStrippingLevel(BuildTargetGroup targetGroup, ManagedStrippingLevel level) => throw null;
    }

    public class EditorBuildSettingsScene
    {
        public bool enabled { get => throw null; set => throw null; }
        public string path { get => throw null; set => throw null; }
    }

    public static class EditorBuildSettings
    {
        public static EditorBuildSettingsScene[] scenes { get => throw null; set => throw null; }
    }

    public static class BuildPipeline
    {
        public static Build.Reporting.BuildReport BuildPlayer(
            string[] levels, string locationPathName, BuildTarget target, BuildOptions options) => throw null;
    }
}

namespace UnityEditor.Build.Reporting
{
    public enum BuildResult { Unknown, Succeeded, Failed, Cancelled }

    public sealed class BuildReport : UnityEngine.Object
    {
        public BuildSummary summary => throw null;
    }

    public struct BuildSummary
    {
        public BuildResult result => throw null;
        public string outputPath => throw null;
        public int totalErrors => throw null;
    }
}

namespace UnityEditor.SceneManagement
{
    public enum NewSceneSetup { EmptyScene, DefaultGameObjects }
    public enum NewSceneMode { Single, Additive }

    public static class EditorSceneManager
    {
        public static Scene NewScene(NewSceneSetup setup, NewSceneMode mode) => throw null;
        public static bool SaveScene(Scene scene, string dstScenePath) => throw null;
    }
}

namespace UnityEngine
{
    public class GUILayoutOption { }
}
