using System;
using System.Linq;
using UnityEditor;
using UnityEditor.Build.Reporting;
using UnityEditor.SceneManagement;
using UnityEngine;

namespace MetaSim.Editor
{
    /// <summary>Builds the player, from the menu or with <c>-executeMethod MetaSim.Editor.BuildPlayer.Linux</c>.</summary>
    public static class BuildPlayer
    {
        const string Output = "Build/metasim.x86_64";
        const string DemoPath = "Assets/MetaSimDemo.unity";

        /// <summary>Builds the scenes of the build settings for Linux; the demo scene where there are none.</summary>
        [MenuItem("MetaSim/Build Linux player")]
        public static void Linux()
        {
            // Reflection reaches the bound numbers: IL2CPP would strip properties that no code names.
            PlayerSettings.SetScriptingBackend(BuildTargetGroup.Standalone, ScriptingImplementation.Mono2x);
            PlayerSettings.SetManagedStrippingLevel(BuildTargetGroup.Standalone, ManagedStrippingLevel.Disabled);
            PlayerSettings.runInBackground = true;
            PlayerSettings.fullScreenMode = FullScreenMode.Windowed;
            var report = BuildPipeline.BuildPlayer(Scenes(), Output, BuildTarget.StandaloneLinux64, BuildOptions.None);
            Tell(report.summary);
        }

        static string[] Scenes()
        {
            var chosen = EditorBuildSettings.scenes.Where(scene => scene.enabled).Select(scene => scene.path).ToArray();
            if (chosen.Length > 0)
            {
                return chosen;
            }
            PlayerSettings.colorSpace = ColorSpace.Linear;
            EditorSceneManager.SaveScene(DemoScene.Create(), DemoPath);
            return new[] { DemoPath };
        }

        static void Tell(BuildSummary summary)
        {
            var built = summary.result == BuildResult.Succeeded;
            var told = built ? $"MetaSim: built {summary.outputPath}" : $"MetaSim: {summary.totalErrors} errors, nothing built";
            if (!built && Application.isBatchMode)
            {
                // Without it the editor's exit status would be 0.
                throw new InvalidOperationException(told);
            }
            Debug.Log(told);
        }
    }
}
