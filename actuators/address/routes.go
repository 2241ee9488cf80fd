package address

import (
	"context"

	"plumbline/actuators/internal/link"
)

// routes are those through the interfaces that a step works on.
func routes(ctx context.Context, links link.Links, p params, r *record) ([]route, error) {
	names := []string{p.Interface}
	if r != nil && r.Interface != p.Interface {
		names = append(names, r.Interface)
	}
	var all []route
	for _, name := range names {
		one, found := links.Name(name)
		if !found {
			continue
		}
		some, err := link.Routes(ctx, one)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			all = append(all, route{Interface: name, Route: r})
		}
	}
	return all, nil
}

// putRoutes gives the interfaces back what they lack of the routes that were captured.
func putRoutes(ctx context.Context, routes []route) error {
	links, err := link.List(ctx)
	if err != nil {
		return err
	}
	byName := map[string][]link.Route{}
	for _, r := range routes {
		byName[r.Interface] = append(byName[r.Interface], r.Route)
	}
	for name, some := range byName {
		one, found := links.Name(name)
		if !found || !one.Up {
			continue
		}
		if err := link.PutRoutes(ctx, one, some); err != nil {
			return err
		}
	}
	return nil
}
