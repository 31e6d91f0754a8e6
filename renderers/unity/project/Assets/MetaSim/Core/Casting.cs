using System;
using System.Collections.Generic;
using System.Linq;

namespace MetaSim
{
    /// <summary>Finds out which actor, an object of the Unity scene, stands for which node of a scene graph.</summary>
    /// <typeparam name="T">An actor.</typeparam>
    public sealed class Casting<T>
        where T : class
    {
        readonly List<T> actors;
        readonly Func<T, string> symbolOf;
        readonly Func<T, T> ownerOf;
        readonly Func<T, IEnumerable<T>> copy;

        /// <param name="actors">Those that there are.</param>
        /// <param name="symbolOf">The symbol of the nodes that an actor stands for.</param>
        /// <param name="ownerOf">The actor that an actor lies inside, null for none.</param>
        /// <param name="copy">Makes a copy beside an actor: the copy first, then those inside it.</param>
        public Casting(IEnumerable<T> actors, Func<T, string> symbolOf, Func<T, T> ownerOf, Func<T, IEnumerable<T>> copy)
        {
            this.actors = actors.ToList();
            this.symbolOf = symbolOf;
            this.ownerOf = ownerOf;
            this.copy = copy;
        }

        /// <summary>All actors, with the copies that were needed so far.</summary>
        public IEnumerable<T> Actors
        {
            get { return actors; }
        }

        /// <summary>The actors of nodes by their ids; nodes that nothing stands for have none.</summary>
        /// <param name="nodes">The nodes of a scene, parents first.</param>
        public Dictionary<int, T> Of(NodeMessage[] nodes)
        {
            var cast = new Dictionary<int, T>();
            var free = new HashSet<T>(actors);
            foreach (var node in nodes)
            {
                var actor = Inside(Owners(node, nodes, cast), node.Symbol, free);
                if (actor != null)
                {
                    cast[node.Id] = actor;
                    free.Remove(actor);
                }
            }
            return cast;
        }

        /// <summary>Where the actor of a node may lie: inside those of its ancestors, the nearest first, or in none.</summary>
        static IEnumerable<T> Owners(NodeMessage node, NodeMessage[] nodes, Dictionary<int, T> cast)
        {
            for (var parent = node.Parent; parent != 0; parent = nodes[parent - 1].Parent)
            {
                T owner;
                if (cast.TryGetValue(parent, out owner))
                {
                    yield return owner;
                }
            }
            yield return null;
        }

        T Inside(IEnumerable<T> owners, string symbol, HashSet<T> free)
        {
            foreach (var owner in owners)
            {
                var known = actors.Where(actor => symbolOf(actor) == symbol && ownerOf(actor) == owner).ToList();
                if (known.Count > 0)
                {
                    return known.FirstOrDefault(free.Contains) ?? Copied(known[0], free);
                }
            }
            return null;
        }

        T Copied(T original, HashSet<T> free)
        {
            var made = copy(original).ToList();
            actors.AddRange(made);
            free.UnionWith(made);
            return made[0];
        }
    }
}
