using UnityEditor;
using UnityEditor.SceneManagement;
using UnityEngine;
using UnityEngine.SceneManagement;

namespace MetaSim.Editor
{
    /// <summary>A scene for the grammars in experiments/grammars/tyol: solids of Unity's on a table.</summary>
    public static class DemoScene
    {
        const float MetresPerLoc = 0.26f;
        const float CameraDistance = 2.2f;
        const float FieldOfView = 18;
        static readonly Vector3 LookAt = new Vector3(0, 0.1f, 0);

        [MenuItem("MetaSim/New demo scene")]
        static void Open()
        {
            Create();
        }

        /// <summary>Opens a new scene and fills it.</summary>
        public static Scene Create()
        {
            var scene = EditorSceneManager.NewScene(NewSceneSetup.EmptyScene, NewSceneMode.Single);
            AddLight();
            AddTable();
            AddObject();
            new GameObject("Render server").AddComponent<RenderServer>().Look(AddCamera());
            return scene;
        }

        static Camera AddCamera()
        {
            var rig = Node("camera");
            rig.transform.position = LookAt;
            // 0 looks straight down, 90 along the table.
            var angles = rig.AddComponent<MetaSimAngles>();
            rig.AddComponent<MetaSimAttribute>().Bind("camera_pitch", angles, "X", -1, 90);
            rig.AddComponent<MetaSimAttribute>().Bind("camera_roll", angles, "Z");
            var camera = new GameObject("Eye").AddComponent<Camera>();
            camera.transform.SetParent(rig.transform, false);
            camera.transform.localPosition = new Vector3(0, 0, -CameraDistance);
            camera.fieldOfView = FieldOfView;
            camera.nearClipPlane = 0.1f;
            camera.farClipPlane = 20;
            return camera;
        }

        static void AddLight()
        {
            var node = Node("light");
            var sun = node.AddComponent<Light>();
            sun.type = LightType.Directional;
            sun.shadows = LightShadows.Soft;
            sun.transform.localRotation = Quaternion.Euler(50, -30, 0);
            node.AddComponent<MetaSimAttribute>().Bind("intensity", sun, "intensity");
        }

        static void AddTable()
        {
            var node = Node("table");
            Solid(PrimitiveType.Cube, "Top", node.transform, new Vector3(4, 0.1f, 4));
            node.transform.position = new Vector3(0, -0.05f, 0);
        }

        static void AddObject()
        {
            var node = Node("object");
            node.transform.position = LookAt;
            node.AddComponent<MetaSimAttribute>().Bind("loc_x", node.transform, "localPosition.x", MetresPerLoc, -MetresPerLoc);
            node.AddComponent<MetaSimAttribute>().Bind("loc_z", node.transform, "localPosition.z", MetresPerLoc, -MetresPerLoc);
            var classes = new GameObject("Classes").transform;
            classes.SetParent(node.transform, false);
            Solid(PrimitiveType.Capsule, "shoe", classes, new Vector3(0.1f, 0.1f, 0.28f));
            Solid(PrimitiveType.Cylinder, "mug", classes, new Vector3(0.12f, 0.08f, 0.12f));
            Solid(PrimitiveType.Cylinder, "basket", classes, new Vector3(0.26f, 0.05f, 0.18f));
            Solid(PrimitiveType.Sphere, "bowl", classes, new Vector3(0.24f, 0.12f, 0.24f));
            Solid(PrimitiveType.Cube, "lunch_box", classes, new Vector3(0.26f, 0.12f, 0.16f));
            node.GetComponent<MetaSimNode>().Stand("object", classes);
        }

        static GameObject Node(string symbol)
        {
            var node = new GameObject(symbol);
            node.AddComponent<MetaSimNode>().Stand(symbol);
            return node;
        }

        static void Solid(PrimitiveType kind, string name, Transform parent, Vector3 size)
        {
            var solid = GameObject.CreatePrimitive(kind);
            solid.name = name;
            solid.transform.SetParent(parent, false);
            solid.transform.localScale = size;
        }
    }
}
