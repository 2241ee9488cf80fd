package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// sum is the SHA-256 of a file in hexadecimal digits.
func sum(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read image: %w", err)
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, bounded{ctx, f}); err != nil {
		return "", fmt.Errorf("cannot read image %s: %w", path, err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// bounded is a reader that ends with its context.
type bounded struct {
	ctx  context.Context
	from io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.from.Read(p)
}
