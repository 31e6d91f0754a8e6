using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace MetaSim
{
    /// <summary>All that stands for nodes in the Unity scene; shows one scene graph after another.</summary>
    /// <remarks>Every scene begins from what was authored, so that none depends on those before it.</remarks>
    public sealed class Stage
    {
        readonly Casting<MetaSimNode> casting;

        /// <param name="actors">What stands for nodes, inactive ones as well.</param>
        public Stage(IEnumerable<MetaSimNode> actors)
        {
            casting = new Casting<MetaSimNode>(actors, actor => actor.Symbol, Owner, Copy);
        }

        /// <summary>Shows a scene; nodes that nothing stands for are passed over.</summary>
        /// <exception cref="SceneException">If it cannot be shown.</exception>
        public void Show(SceneMessage scene)
        {
            foreach (var actor in casting.Actors)
            {
                actor.Restore();
            }
            // For components that draw random numbers when they are shown.
            Random.InitState(scene.Seed);
            // Copies are made of what is authored, hence before the first node is shown.
            var cast = casting.Of(scene.Nodes);
            foreach (var node in scene.Nodes.Where(each => cast.ContainsKey(each.Id)))
            {
                cast[node.Id].Show(node);
            }
        }

        static MetaSimNode[] Copy(MetaSimNode original)
        {
            var copy = Object.Instantiate(original, original.transform.parent, false);
            var made = copy.GetComponentsInChildren<MetaSimNode>(true);
            foreach (var actor in made)
            {
                actor.Restore();
            }
            return made;
        }

        static MetaSimNode Owner(MetaSimNode actor)
        {
            return MetaSimNode.Nearest(actor.transform.parent);
        }
    }
}
