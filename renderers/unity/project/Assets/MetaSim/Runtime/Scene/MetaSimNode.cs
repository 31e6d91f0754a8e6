using System;
using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Stands for the nodes of a symbol of the grammar; further nodes are shown by copies of it.</summary>
    /// <remarks>
    /// Children whose names are classes are alternatives, of which the node's is shown. Nodes inside it are those
    /// of symbols below its own. Whatever it shows has the id of the node; inner nodes have their own.
    /// </remarks>
    [AddComponentMenu("MetaSim/Node")]
    public sealed class MetaSimNode : MonoBehaviour
    {
        [SerializeField]
        [Tooltip("The symbol of the grammar that it stands for.")]
        string symbol;

        [SerializeField]
        [Tooltip("Parent of the objects that are named as classes; none if the grammar offers no choice.")]
        Transform classes;

        [SerializeField]
        [Tooltip("Prefabs for the classes that have no such object; they are placed beside those.")]
        AssetLibrary library;

        [SerializeField]
        [Tooltip("Whether yaw, pitch and roll turn it. Off if they are bound to something else.")]
        bool turns = true;

        Quaternion? upright;

        /// <summary>The symbol of the grammar that it stands for.</summary>
        public string Symbol
        {
            get { return symbol; }
        }

        /// <summary>Sets by code what the inspector sets by hand.</summary>
        public void Stand(string forSymbol, Transform ofClasses = null, AssetLibrary from = null, bool turned = true)
        {
            symbol = forSymbol;
            classes = ofClasses;
            library = from;
            turns = turned;
        }

        /// <summary>Puts everything back to what it was before the first scene, and hides it.</summary>
        /// <exception cref="SceneException">If an attribute is bound to nothing.</exception>
        public void Restore()
        {
            upright = upright ?? transform.localRotation;
            transform.localRotation = upright.Value;
            foreach (var attribute in Own<MetaSimAttribute>())
            {
                attribute.Restore();
            }
            gameObject.SetActive(false);
        }

        /// <summary>Shows a node; it has been restored before.</summary>
        /// <exception cref="SceneException">If it has no look of the node's class.</exception>
        public void Show(NodeMessage node)
        {
            gameObject.SetActive(true);
            if (classes != null || library != null || node.Class != node.Symbol)
            {
                Choose(node);
            }
            if (node.Rotated && turns)
            {
                transform.localRotation = Orientation(node.Rotation) * upright.Value;
            }
            foreach (var attribute in Own<MetaSimAttribute>())
            {
                var index = Array.IndexOf(node.Names, attribute.Attribute);
                if (index >= 0)
                {
                    attribute.Show(node.Values[index]);
                }
            }
            foreach (var shape in Own<Renderer>())
            {
                InstanceIds.Give(shape, node.Id);
                var skinned = shape as SkinnedMeshRenderer;
                if (skinned != null)
                {
                    // Unity moves bones once a frame, and renders all scenes of a batch in one.
                    skinned.forceMatrixRecalculationPerRender = true;
                }
            }
        }

        /// <summary>The node at or above an object, null if there is none.</summary>
        public static MetaSimNode Nearest(Transform at)
        {
            for (; at != null; at = at.parent)
            {
                var node = at.GetComponent<MetaSimNode>();
                if (node != null)
                {
                    return node;
                }
            }
            return null;
        }

        void Choose(NodeMessage node)
        {
            if (classes == null)
            {
                classes = new GameObject("Classes").transform;
                classes.SetParent(transform, false);
            }
            var chosen = classes.Find(node.Class);
            if (chosen == null)
            {
                chosen = Fetched(node.Class);
            }
            if (chosen == null)
            {
                var known = string.Join(", ", classes.Cast<Transform>().Select(each => each.name));
                throw new SceneException($"node {node.Name}: no look of the class {node.Class} among [{known}]");
            }
            foreach (Transform each in classes)
            {
                each.gameObject.SetActive(each == chosen);
            }
        }

        Transform Fetched(string cls)
        {
            var prefab = library == null ? null : library.Find(cls);
            if (prefab == null)
            {
                return null;
            }
            var made = Instantiate(prefab, classes, false);
            made.name = cls;
            return made.transform;
        }

        IEnumerable<T> Own<T>()
            where T : Component
        {
            return GetComponentsInChildren<T>(true).Where(each => Nearest(each.transform) == this);
        }

        static Quaternion Orientation(double[] xyzw)
        {
            return new Quaternion((float)xyzw[0], (float)xyzw[1], (float)xyzw[2], (float)xyzw[3]);
        }
    }
}
