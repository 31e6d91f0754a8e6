using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;

namespace MetaSim
{
    /// <summary>
    /// A number inside an object, named as code names it: <c>intensity</c>, <c>localPosition.x</c>.
    /// </summary>
    /// <remarks>A struct on the way is read as a copy, so it is written back once the number in it is changed.</remarks>
    public sealed class MemberPath
    {
        const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance;

        readonly MemberInfo[] members;

        MemberPath(MemberInfo[] members)
        {
            this.members = members;
        }

        /// <summary>The number that a path names from an object of a type on.</summary>
        /// <exception cref="ArgumentException">If a name is unknown, or the last one is no number to write.</exception>
        public static MemberPath Of(Type type, string path)
        {
            var members = new List<MemberInfo>();
            foreach (var name in path.Split('.'))
            {
                var member = Members(type).FirstOrDefault(known => known.Name == name);
                if (member == null)
                {
                    var known = string.Join(", ", Members(type).Select(each => each.Name).OrderBy(each => each));
                    throw new ArgumentException($"{path}: {type.Name} has no {name}; it has {known}");
                }
                members.Add(member);
                type = TypeOf(member);
            }
            var found = new MemberPath(members.ToArray());
            if (!IsNumber(type) || !found.IsWritable)
            {
                throw new ArgumentException($"{path}: a {type.Name} that cannot be set as a number");
            }
            return found;
        }

        /// <summary>All numbers of a type that can be written, its own and those of its structs, by name.</summary>
        public static string[] Numbers(Type type)
        {
            var own = Members(type).Where(member => IsNumber(TypeOf(member)) && CanWrite(member));
            var inner =
                from owner in Members(type)
                where TypeOf(owner).IsValueType && !TypeOf(owner).IsPrimitive && CanWrite(owner)
                from member in Members(TypeOf(owner))
                where IsNumber(TypeOf(member)) && CanWrite(member)
                select $"{owner.Name}.{member.Name}";
            return own.Select(member => member.Name).Concat(inner).OrderBy(name => name, StringComparer.Ordinal).ToArray();
        }

        /// <summary>The number's value; 1 for true and 0 for false.</summary>
        public double Read(object target)
        {
            return Convert.ToDouble(members.Aggregate(target, Get), CultureInfo.InvariantCulture);
        }

        /// <summary>Sets the number; whole ones are rounded, and a truth is whether the value is above one half.</summary>
        public void Write(object target, double value)
        {
            Write(target, 0, value);
        }

        bool IsWritable
        {
            get
            {
                // What lies inside a struct needs the struct itself to be writable, up to the first reference.
                for (var last = members.Length - 1; CanWrite(members[last]); last--)
                {
                    if (last == 0 || !TypeOf(members[last - 1]).IsValueType)
                    {
                        return true;
                    }
                }
                return false;
            }
        }

        void Write(object owner, int depth, double value)
        {
            var member = members[depth];
            if (depth == members.Length - 1)
            {
                Set(owner, member, Converted(value, TypeOf(member)));
                return;
            }
            var inner = Get(owner, member);
            Write(inner, depth + 1, value);
            if (TypeOf(member).IsValueType)
            {
                Set(owner, member, inner);
            }
        }

        static IEnumerable<MemberInfo> Members(Type type)
        {
            var fields = type.GetFields(Public).Cast<MemberInfo>();
            var properties = type.GetProperties(Public).Where(each => each.CanRead && each.GetIndexParameters().Length == 0);
            return fields.Concat(properties);
        }

        static bool CanWrite(MemberInfo member)
        {
            var property = member as PropertyInfo;
            return property != null ? property.GetSetMethod() != null : !((FieldInfo)member).IsInitOnly;
        }

        static bool IsNumber(Type type)
        {
            return type == typeof(float) || type == typeof(double) || type == typeof(int) || type == typeof(bool);
        }

        static Type TypeOf(MemberInfo member)
        {
            var property = member as PropertyInfo;
            return property != null ? property.PropertyType : ((FieldInfo)member).FieldType;
        }

        static object Get(object owner, MemberInfo member)
        {
            var property = member as PropertyInfo;
            return property != null ? property.GetValue(owner, null) : ((FieldInfo)member).GetValue(owner);
        }

        static void Set(object owner, MemberInfo member, object value)
        {
            var property = member as PropertyInfo;
            if (property != null)
            {
                property.SetValue(owner, value, null);
            }
            else
            {
                ((FieldInfo)member).SetValue(owner, value);
            }
        }

        static object Converted(double value, Type type)
        {
            return type == typeof(bool) ? value > 0.5 : Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
        }
    }
}
