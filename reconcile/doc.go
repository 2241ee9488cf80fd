// Package reconcile is the loop: it wires source, schema, diff, plan, run, drift and notify together and decides when each
// goes. It holds nothing clever: what is hard stands in the packages below it, and kinds are known only by the registry.
//
//	head moves → Load → Observe → Diff → Plan → Run → record → tell
//	host hints → Observe → compare with last applied → incident → tell | heal
package reconcile
