using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace MetaSim
{
    /// <summary>All that stands for nodes in the Unity scene; shows one scene graph after another.</summary>
    /// <remarks>Every scene begins from what was authored, so that none depends on those before it.</remarks>
    public sealed class Stage
    {
        readonly List<MetaSimNode> actors;

        /// <param name="actors">What stands for nodes, inactive ones as well.</param>
        public Stage(IEnumerable<MetaSimNode> actors)
        {
            this.actors = actors.ToList();
        }

        /// <summary>Shows a scene; nodes that nothing stands for are passed over.</summary>
        /// <exception cref="SceneException">If it cannot be shown.</exception>
        public void Show(SceneMessage scene)
        {
            foreach (var actor in actors)
            {
                actor.Restore();
            }
            // Copies are made of what is authored, hence before the first node is shown.
            var cast = new Dictionary<int, MetaSimNode>();
            foreach (var node in scene.Nodes)
            {
                var actor = Find(scene, node, cast);
                if (actor != null)
                {
                    cast[node.Id] = actor;
                }
            }
            foreach (var node in scene.Nodes.Where(each => cast.ContainsKey(each.Id)))
            {
                cast[node.Id].Show(node);
            }
        }

        /// <summary>The actor of a node: inside that of the nearest ancestor that has one for its symbol.</summary>
        MetaSimNode Find(SceneMessage scene, NodeMessage node, Dictionary<int, MetaSimNode> cast)
        {
            for (var parent = node.Parent; ; parent = scene.Nodes[parent - 1].Parent)
            {
                MetaSimNode owner = null;
                if (parent == 0 || cast.TryGetValue(parent, out owner))
                {
                    var actor = FindIn(owner, node.Symbol, cast);
                    if (actor != null || parent == 0)
                    {
                        return actor;
                    }
                }
            }
        }

        MetaSimNode FindIn(MetaSimNode owner, string symbol, Dictionary<int, MetaSimNode> cast)
        {
            var candidates = actors.Where(each => each.Symbol == symbol && Owner(each) == owner).ToList();
            return candidates.FirstOrDefault(each => !cast.ContainsValue(each))
                ?? (candidates.Count > 0 ? Copy(candidates[0]) : null);
        }

        MetaSimNode Copy(MetaSimNode original)
        {
            var copy = Object.Instantiate(original, original.transform.parent, false);
            var added = copy.GetComponentsInChildren<MetaSimNode>(true);
            actors.AddRange(added);
            foreach (var actor in added)
            {
                actor.Restore();
            }
            return copy;
        }

        static MetaSimNode Owner(MetaSimNode actor)
        {
            return actor.transform.parent == null ? null : MetaSimNode.Nearest(actor.transform.parent);
        }
    }
}
