(* Networks of two-slope neurons over an ordered field, their activation patterns and cells, and what a Lipschitz
   constant is. In words: README.md. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Networks.
Variable R : realFieldType.

(* A neuron has slope l left of 0 and slope r right of it; ReLU is the neuron with slopes 0 and 1. *)
Definition bend (l r z : R) : R := if 0 <= z then r * z else l * z.

Definition relu (z : R) : R := bend 0 1 z.

Definition activate k (l r z : 'cV[R]_k) : 'cV[R]_k := \col_i bend (l i 0) (r i 0) (z i 0).

(* `net m n`: n inputs, m outputs. An affine output layer, below it hidden layers. *)
Inductive net (m : nat) : nat -> Type :=
| Output n (W : 'M[R]_(m, n)) (b : 'cV[R]_m) : net m n
| Hidden n k (W : 'M[R]_(k, n)) (b l r : 'cV[R]_k) (rest : net m k) : net m n.

Fixpoint eval m n (N : net m n) : 'cV[R]_n -> 'cV[R]_m :=
  match N with
  | Output _ W b => fun x => W *m x + b
  | Hidden _ _ W b l r rest => fun x => eval rest (activate l r (W *m x + b))
  end.

(* An activation pattern has a side for every neuron: true (the pre-activation is >= 0) or false (it is <= 0). *)
Fixpoint pattern m n (N : net m n) : finType :=
  match N with
  | Output _ _ _ => unit_finType
  | Hidden _ k _ _ _ _ rest => prod_finType (finfun_finType (ordinal_finType k) bool_finType) (pattern rest)
  end.

Definition on_side (side : bool) (z : R) : Prop := if side then 0 <= z else z <= 0.

(* The closed cell of a pattern: where every neuron's pre-activation is on the pattern's side. *)
Fixpoint in_cell m n (N : net m n) : pattern N -> 'cV[R]_n -> Prop :=
  match N with
  | Output _ _ _ => fun _ _ => True
  | Hidden _ _ W b l r rest => fun s x =>
      (forall i, on_side (s.1 i) ((W *m x + b) i 0)) /\ in_cell s.2 (activate l r (W *m x + b))
  end.

(* The affine map that belongs to a pattern: its linear part (the Jacobian) and its offset. *)
Definition slope_of k (l r : 'cV[R]_k) (s : {ffun 'I_k -> bool}) : 'M[R]_k :=
  diag_mx (\row_i (if s i then r i 0 else l i 0)).

Fixpoint jacobian m n (N : net m n) : pattern N -> 'M[R]_(m, n) :=
  match N with
  | Output _ W _ => fun _ => W
  | Hidden _ _ W b l r rest => fun s => jacobian s.2 *m (slope_of l r s.1 *m W)
  end.

Fixpoint offset m n (N : net m n) : pattern N -> 'cV[R]_m :=
  match N with
  | Output _ _ b => fun _ => b
  | Hidden _ _ W b l r rest => fun s => jacobian s.2 *m (slope_of l r s.1 *m b) + offset s.2
  end.

Lemma bend_on_side l r (s : bool) z : on_side s z -> bend l r z = (if s then r else l) * z.
Proof.
rewrite /on_side /bend; case: s => [-> //|z0].
by case: ifP => // z1; have -> : z = 0 by [apply/eqP; rewrite eq_le z0 z1]; rewrite !mulr0.
Qed.

Lemma activate_on_sides k (l r z : 'cV[R]_k) (s : {ffun 'I_k -> bool}) :
  (forall i, on_side (s i) (z i 0)) -> activate l r z = slope_of l r s *m z.
Proof.
move=> sides; apply/colP=> i; rewrite mul_diag_mx !mxE.
by rewrite (bend_on_side _ _ (sides i)).
Qed.

(* On its cell the network is the affine map of the pattern. *)
Theorem affine_on_cell m n (N : net m n) (s : pattern N) x : in_cell s x -> eval N x = jacobian s *m x + offset s.
Proof.
elim: N s x => [n' W b|n' k W b l r rest IH] s x //= [sides below].
by rewrite (IH _ _ below) (activate_on_sides _ _ sides) addrA !mulmxDr !mulmxA.
Qed.

(* Sets of points, as predicates. *)
Definition convex n (X : 'cV[R]_n -> Prop) : Prop :=
  forall x y t, X x -> X y -> 0 <= t <= 1 -> X (x + t *: (y - x)).

(* The open cube with centre z and radius r. *)
Definition cube n (z : 'cV[R]_n) (r : R) (w : 'cV[R]_n) : Prop := forall i, `|w i 0 - z i 0| < r.

(* A set is full-dimensional when it has an interior: it contains an open cube. *)
Definition full_dimensional n (X : 'cV[R]_n -> Prop) : Prop := exists z r, 0 < r /\ forall w, cube z r w -> X w.

(* A pattern has a region in X when its cell has an interior in X. *)
Definition has_region m n (N : net m n) (X : 'cV[R]_n -> Prop) (s : pattern N) : Prop :=
  full_dimensional (fun x => X x /\ in_cell s x).

Definition everywhere n (x : 'cV[R]_n) : Prop := True.

Lemma everywhere_convex n : convex (@everywhere n).
Proof. by []. Qed.

Lemma everywhere_full n : full_dimensional (@everywhere n).
Proof. by exists 0, 1; split. Qed.

(* Norms: all that is used of them is the triangle inequality and homogeneity. *)
Record is_norm n (N : 'cV[R]_n -> R) : Prop := IsNorm {
  norm_triangle : forall x y, N (x + y) <= N x + N y;
  norm_scale : forall c x, N (c *: x) = `|c| * N x }.

Definition l1 n (x : 'cV[R]_n) : R := \sum_i `|x i 0|.
Definition linf n (x : 'cV[R]_n) : R := \big[Num.max/0]_i `|x i 0|.

(* The square of the Euclidean norm: no square root, hence over every ordered field. *)
Definition sqnorm n (x : 'cV[R]_n) : R := \sum_i x i 0 ^+ 2.

Lemma l1_is_norm n : is_norm (@l1 n).
Proof.
split=> [x y|c x]; rewrite /l1.
  by rewrite -big_split; apply: ler_sum => i _; rewrite mxE ler_norm_add.
by rewrite mulr_sumr; apply: eq_bigr => i _; rewrite mxE normrM.
Qed.

Lemma linf_ge n (x : 'cV[R]_n) i : `|x i 0| <= linf x.
Proof.
rewrite /linf; elim: (index_enum _) (mem_index_enum i) => // j s IH; rewrite in_cons big_cons le_maxr.
by case/orP=> [/eqP-> |/IH->]; rewrite ?lexx ?orbT.
Qed.

Lemma linf_ge0 n (x : 'cV[R]_n) : 0 <= linf x.
Proof. by rewrite /linf; elim/big_ind: _ => // a b a0 b0; rewrite le_maxr a0. Qed.

Lemma linf_le n (x : 'cV[R]_n) c : 0 <= c -> (forall i, `|x i 0| <= c) -> linf x <= c.
Proof. by move=> c0 xc; rewrite /linf; elim/big_ind: _ => // a b ac bc; rewrite le_maxl ac bc. Qed.

Lemma linf_is_norm n : is_norm (@linf n).
Proof.
have sub c (x : 'cV[R]_n) : linf (c *: x) <= `|c| * linf x.
  apply: linf_le => [|i]; first by rewrite mulr_ge0 ?linf_ge0.
  by rewrite mxE normrM ler_wpmul2l ?linf_ge.
split=> [x y|c x].
  apply: linf_le => [|i]; first by rewrite addr_ge0 ?linf_ge0.
  by rewrite mxE (le_trans (ler_norm_add _ _)) // ler_add ?linf_ge.
apply/eqP; rewrite eq_le sub /=; have [->|c0] := eqVneq c 0; first by rewrite normr0 mul0r linf_ge0.
have := sub c^-1 (c *: x); rewrite scalerA mulVf // scale1r normfV.
by rewrite [X in _ <= X]mulrC ler_pdivl_mulr ?normr_gt0 // mulrC.
Qed.

(* u is a Lipschitz constant of f on X, and the Lipschitz constant is the least one. *)
Definition lipschitz n m (P : 'cV[R]_n -> R) (Q : 'cV[R]_m -> R) (X : 'cV[R]_n -> Prop) (f : 'cV[R]_n -> 'cV[R]_m) u :
    Prop :=
  forall x y, X x -> X y -> Q (f x - f y) <= u * P (x - y).

Definition lipschitz_constant n m P Q X (f : 'cV[R]_n -> 'cV[R]_m) L : Prop :=
  lipschitz P Q X f L /\ forall u, lipschitz P Q X f u -> L <= u.

(* The operator norm of A is at most u. *)
Definition norm_at_most n m (P : 'cV[R]_n -> R) (Q : 'cV[R]_m -> R) (A : 'M[R]_(m, n)) u : Prop :=
  forall v, Q (A *m v) <= u * P v.

Definition operator_norm n m P Q (A : 'M[R]_(m, n)) L : Prop :=
  norm_at_most P Q A L /\ forall u, norm_at_most P Q A u -> L <= u.

End Networks.
