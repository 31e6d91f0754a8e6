using System;
using UnityEditor;

namespace MetaSim.Editor
{
    /// <summary>The inspector of a binding: lists the numbers of the component that is chosen.</summary>
    [CustomEditor(typeof(MetaSimAttribute))]
    public sealed class MetaSimAttributeEditor : UnityEditor.Editor
    {
        /// <inheritdoc/>
        public override void OnInspectorGUI()
        {
            serializedObject.Update();
            EditorGUILayout.PropertyField(serializedObject.FindProperty("attribute"));
            var component = serializedObject.FindProperty("component");
            EditorGUILayout.PropertyField(component);
            var member = serializedObject.FindProperty("member");
            EditorGUILayout.PropertyField(member);
            if (component.objectReferenceValue != null)
            {
                Offer(MemberPath.Numbers(component.objectReferenceValue.GetType()), member);
            }
            EditorGUILayout.PropertyField(serializedObject.FindProperty("scale"));
            EditorGUILayout.PropertyField(serializedObject.FindProperty("offset"));
            serializedObject.ApplyModifiedProperties();
        }

        static void Offer(string[] numbers, SerializedProperty member)
        {
            // Deeper ones, such as material.color.r, are typed in above.
            var chosen = Array.IndexOf(numbers, member.stringValue);
            var picked = EditorGUILayout.Popup("Numbers it has", chosen, numbers);
            if (picked != chosen)
            {
                member.stringValue = numbers[picked];
            }
        }
    }
}
