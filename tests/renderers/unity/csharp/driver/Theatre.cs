using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace MetaSim.Tests
{
    /// <summary>An actor that is no Unity object.</summary>
    public sealed class Actor
    {
        public string Symbol;
        public Actor Owner;
        public int Number;
    }

    /// <summary>A scene with two cars' worth of actors: a car with a wheel and a driver inside, a tree and a hat.</summary>
    public sealed class Theatre
    {
        const int Slots = 4;

        readonly List<Actor> all = new List<Actor>();
        readonly Casting<Actor> casting;

        /// <summary>Hires the first actors.</summary>
        public Theatre()
        {
            var car = Hire("car", null);
            Hire("wheel", car);
            Hire("hat", Hire("driver", car));
            Hire("tree", null);
            Hire("hat", null);
            casting = new Casting<Actor>(all.ToArray(), actor => actor.Symbol, actor => actor.Owner, Copy);
        }

        /// <summary>Casts the scenes of a batch one after the other; a line a scene: node, actor, owner.</summary>
        public byte[] Cast(byte[] payload)
        {
            var lines = SceneBatch.Unpack(payload, Slots).Scenes.Select(scene => string.Join(" ", casting.Of(scene.Nodes).Select(Told)));
            return Encoding.UTF8.GetBytes(string.Join("\n", lines));
        }

        static string Told(KeyValuePair<int, Actor> cast)
        {
            var owner = cast.Value.Owner == null ? -1 : cast.Value.Owner.Number;
            return $"{cast.Key},{cast.Value.Number},{cast.Value.Symbol},{owner}";
        }

        IEnumerable<Actor> Copy(Actor original)
        {
            var made = new List<Actor> { Hire(original.Symbol, original.Owner) };
            foreach (var inner in all.Where(actor => actor.Owner == original).ToList())
            {
                made.AddRange(CopyInto(inner, made[0]));
            }
            return made;
        }

        IEnumerable<Actor> CopyInto(Actor inner, Actor owner)
        {
            var made = Copy(inner).ToList();
            made[0].Owner = owner;
            return made;
        }

        Actor Hire(string symbol, Actor owner)
        {
            var actor = new Actor { Symbol = symbol, Owner = owner, Number = all.Count };
            all.Add(actor);
            return actor;
        }
    }
}
