using System;
using System.Linq;
using UnityEngine;

namespace MetaSim
{
    /// <summary>Binds an attribute of the grammar to a number of any component.</summary>
    /// <remarks>The attribute is one of the node of the nearest <see cref="MetaSimNode"/> at or above this object.</remarks>
    [AddComponentMenu("MetaSim/Attribute")]
    public sealed class MetaSimAttribute : MonoBehaviour
    {
        static readonly string[] Turns = { "rotation", "localRotation", "eulerAngles", "localEulerAngles" };

        [SerializeField]
        [Tooltip("Name of the attribute in the grammar.")]
        string attribute;

        [SerializeField]
        [Tooltip("The component that it changes.")]
        Component component;

        [SerializeField]
        [Tooltip("The number that it changes, as code names it: intensity, localPosition.x, material.color.r.")]
        string member;

        [SerializeField]
        [Tooltip("What the value is multiplied with, as from the grammar's unit to Unity's.")]
        float scale = 1;

        [SerializeField]
        [Tooltip("What is added to that.")]
        float offset;

        MemberPath path;
        double authored;

        /// <summary>Name of the attribute in the grammar.</summary>
        public string Attribute
        {
            get { return attribute; }
        }

        /// <summary>Binds by code what the inspector binds by hand.</summary>
        public void Bind(string name, Component target, string number, float times = 1, float plus = 0)
        {
            attribute = name;
            component = target;
            member = number;
            scale = times;
            offset = plus;
        }

        /// <summary>Puts the number back to what it was before the first scene.</summary>
        /// <exception cref="SceneException">If there is no such number.</exception>
        public void Restore()
        {
            Resolve();
            path.Write(component, authored);
        }

        /// <summary>Shows a value of the attribute.</summary>
        /// <exception cref="SceneException">If there is no such number.</exception>
        public void Show(double value)
        {
            Resolve();
            path.Write(component, scale * value + offset);
        }

        void Resolve()
        {
            if (path == null)
            {
                path = Path();
                authored = path.Read(component);
            }
        }

        MemberPath Path()
        {
            var where = $"MetaSimAttribute {attribute} of {name}";
            if (component == null)
            {
                throw new SceneException($"{where}: no component is bound");
            }
            if (component is Transform && Turns.Contains(member.Split('.')[0]))
            {
                throw new SceneException($"{where}: {member} loses turns on its way; bind a MetaSimAngles instead");
            }
            try
            {
                return MemberPath.Of(component.GetType(), member);
            }
            catch (ArgumentException error)
            {
                throw new SceneException($"{where}: {error.Message}");
            }
        }
    }
}
