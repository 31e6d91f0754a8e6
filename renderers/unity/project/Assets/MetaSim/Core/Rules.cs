using System;
using System.Collections.Generic;
using System.Linq;

namespace MetaSim
{
    /// <summary>What every scene on the wire keeps.</summary>
    static class Rules
    {
        const double UnitTolerance = 1e-6;

        /// <exception cref="ProtocolException">If a rule is not kept.</exception>
        public static void Require(bool kept, string otherwise)
        {
            if (!kept)
            {
                throw new ProtocolException(otherwise);
            }
        }

        /// <exception cref="ProtocolException">If a scene breaks a rule.</exception>
        public static void Check(SceneMessage scene, int slot)
        {
            Require(scene != null && scene.Id == slot, $"another scene than {slot} in slot {slot}");
            Require(scene.Nodes != null && scene.Nodes.Length > 0, $"scene {slot} without nodes");
            var names = new HashSet<string>();
            for (var index = 0; index < scene.Nodes.Length; index++)
            {
                var node = scene.Nodes[index];
                Require(node != null && node.Id == index + 1, $"scene {slot}: another node than {index + 1} in its place");
                var where = $"scene {slot}: node {node.Id}";
                CheckWords(node, where);
                Require(names.Add(node.Name), $"{where}: a second {node.Name}");
                var earlier = node.Parent > 0 && node.Parent <= index;
                Require(index == 0 ? node.Parent == 0 : earlier, $"{where}: parent {node.Parent}");
                CheckNumbers(node, where);
            }
        }

        static void CheckWords(NodeMessage node, string where)
        {
            Require(node.Name != null && node.Symbol != null && node.Class != null, $"{where} without a name, symbol or class");
            Require(node.Names != null && node.Values != null, $"{where} without attributes");
            Require(node.Names.All(name => name != null), $"{where}: an attribute without a name");
        }

        static void CheckNumbers(NodeMessage node, string where)
        {
            var paired = node.Names.Length == node.Values.Length;
            Require(paired, $"{where}: {node.Names.Length} names of {node.Values.Length} values");
            Require(node.Values.All(IsFinite), $"{where}: a value that is not finite");
            Require(node.Rotation != null && node.Rotation.Length == 4, $"{where}: a rotation that is no quaternion");
            var length = node.Rotation.Sum(each => each * each);
            Require(Math.Abs(length - 1) < UnitTolerance, $"{where}: a quaternion that is not of unit length");
        }

        static bool IsFinite(double value)
        {
            return !double.IsNaN(value) && !double.IsInfinity(value);
        }
    }
}
