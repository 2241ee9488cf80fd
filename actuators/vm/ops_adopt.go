package vm

import (
	"context"
	"fmt"

	"plumbline/actuators"
)

// Adoption writes our mark into a domain that nobody owns, and changes nothing else.
type Adoption struct {
	Ref
	UUID string `json:"uuid"`
}

var adopt = actuators.Op[Adoption, Nothing, State]{
	Name: "adopt", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p Adoption) (Nothing, error) {
		return Nothing{}, adoptable(ctx, h, p, func(*session) error { return nil })
	},
	Do: func(ctx context.Context, h actuators.Host, p Adoption, _ Nothing) error {
		return adoptable(ctx, h, p, func(s *session) error {
			return s.SetMetadata(ctx, p.Domain, markPrefix, markURI, element(p.Mark, p.UUID, ""))
		})
	},
	Undo: func(ctx context.Context, h actuators.Host, p Adoption, _ Nothing) error {
		return adoptable(ctx, h, p, func(s *session) error {
			if s.mark == nil {
				return nil
			}
			return s.SetMetadata(ctx, p.Domain, markPrefix, markURI, "")
		})
	},
	Predict: func(_ Adoption, have *State) *State { return have },
}

// adoptable finds the domain and refuses one that another installation owns, or that is not the one that was planned for.
func adoptable(ctx context.Context, h actuators.Host, p Adoption, f func(s *session) error) error {
	s, err := open(ctx, h, p.Domain)
	if s != nil {
		defer s.Close()
	}
	switch {
	case err != nil:
		return err
	case s.domain.UUID != p.UUID:
		return fmt.Errorf("cannot adopt domain %s: %w: it is another one than when the plan was made", p.Domain, actuators.ErrTransient)
	case s.mark != nil && !p.ours(s.mark):
		return fmt.Errorf("cannot adopt domain %s: %w: it belongs to installation %s", p.Domain, actuators.ErrForeign, s.mark.Installation)
	}
	return f(s)
}
