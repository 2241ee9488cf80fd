// Package liar holds proxies that stand before a real daemon and are not honest: they drop answers, say yes and do nothing, or fall
// silent. Tests put them in the way to see that nothing is called applied that was not seen. And it holds a client that asks for
// all that it may not do.
package liar
