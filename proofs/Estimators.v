(* Upper bounds: AutoLip's product for chains, SeqLip's, and LipSDP's inequality. In words: autolip.md, seqlip.md, sdp.md. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Estimators.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).

(* The steeper slope of every neuron, as a diagonal matrix. *)
Definition steepest k (l r : 'cV[R]_k) : 'M[R]_k := diag_mx (\row_i Num.max `|l i 0| `|r i 0|).

(* A family of norms, one in each dimension, that see only the size of the entries, and do not decrease with it. *)
Definition absolute (P : forall n, 'cV[R]_n -> R) : Prop :=
  forall n (x y : 'cV[R]_n), (forall i, `|y i 0| <= `|x i 0|) -> P n y <= P n x.

Lemma l1_absolute : absolute (fun n => @l1 R n).
Proof. by move=> n x y le_xy; apply: ler_sum => i _. Qed.

Lemma linf_absolute : absolute (fun n => @linf R n).
Proof.
move=> n x y le_xy; apply: linf_le => [|i]; first exact: linf_ge0.
by apply: le_trans (le_xy i) (linf_ge _ i).
Qed.

Lemma slope_steepest k (l r : 'cV[R]_k) s (y : 'cV[R]_k) i : `|(slope_of l r s *m y) i 0| <= `|(steepest l r *m y) i 0|.
Proof.
rewrite !mul_diag_mx !mxE !normrM ler_wpmul2r //; apply: le_trans (ler_norm _).
by case: (s i); rewrite le_maxr lexx ?orbT.
Qed.

(* AutoLip of a chain: `bounded_by N u`: u is a product of bounds of the norms of the layers,
   each with its neurons' steeper slopes. *)
Fixpoint bounded_by (P : forall n, 'cV[R]_n -> R) m n (N : net R m n) (u : R) : Prop :=
  match N with
  | Output n W _ => 0 <= u /\ norm_at_most (P n) (P m) W u
  | Hidden n k W _ l r rest =>
      exists w v, [/\ 0 <= w, norm_at_most (P n) (P k) (steepest l r *m W) w, bounded_by P rest v & u = v * w]
  end.

Lemma autolip_jacobian P m n (N : net R m n) u : absolute P -> bounded_by P N u ->
  forall s : pattern N, 0 <= u /\ norm_at_most (P n) (P m) (jacobian s) u.
Proof.
move=> absP; elim: N u => [n' W b|n' k W b l r rest IH] u /=; first by move=> bound [].
move=> [w [v [w0 Ww /IH rest_v ->]]] [s1 s2] /=.
have [v0 Jv] := rest_v s2; split; first exact: mulr_ge0.
move=> x; rewrite -!mulmxA; apply: le_trans (Jv _) _; rewrite -mulrA ler_wpmul2l //.
by apply: le_trans (Ww x); apply: absP => i; rewrite -mulmxA slope_steepest.
Qed.

(* AutoLip is an upper bound. *)
Theorem autolip_upper (P : forall n, 'cV[R]_n -> R) m n (N : net R m n) u X : absolute P -> (forall n, is_norm (P n)) ->
  bounded_by P N u -> convex X -> full_dimensional X -> lipschitz (P n) (P m) X (eval N) u.
Proof.
move=> absP normP bound conv full; apply: regions_upper => // s _.
by have [] := autolip_jacobian absP bound s.
Qed.

(* SeqLip. Each neuron's slope replaced by any number between its two: *)
Fixpoint diagonals m n (N : net R m n) : Type :=
  match N with
  | Output _ _ _ => unit
  | Hidden _ k _ _ _ _ rest => ('cV[R]_k * diagonals rest)%type
  end.

Definition slopes_between k (l r d : 'cV[R]_k) : Prop :=
  forall i, Num.min (l i 0) (r i 0) <= d i 0 <= Num.max (l i 0) (r i 0).

Fixpoint relaxed m n (N : net R m n) : diagonals N -> 'M[R]_(m, n) :=
  match N with
  | Output _ W _ => fun _ => W
  | Hidden _ _ W _ _ _ rest => fun d => relaxed d.2 *m (diag_mx d.1^T *m W)
  end.

Fixpoint allowed m n (N : net R m n) : diagonals N -> Prop :=
  match N with
  | Output _ _ _ => fun _ => True
  | Hidden _ _ _ _ l r rest => fun d => slopes_between l r d.1 /\ allowed d.2
  end.

(* (E1): u bounds the norms of all these products. *)
Definition e1_bound P m n (N : net R m n) (u : R) : Prop :=
  forall d : diagonals N, allowed d -> norm_at_most (P n) (P m) (relaxed d) u.

(* (E2): the weights are cut in two, W = C B (by a singular value decomposition, whose roots go to either side), and u is
   a product of bounds, one for each B D C between two cuts, whatever the diagonal D. A is what stands right of N. *)
Fixpoint e2_bound (P : forall n, 'cV[R]_n -> R) m n (N : net R m n) : forall k, 'M[R]_(n, k) -> R -> Prop :=
  match N with
  | Output n W _ => fun k A u => exists q (C : 'M_(m, q)) (B : 'M_(q, n)) v w,
      [/\ W = C *m B, 0 <= v /\ 0 <= w, norm_at_most (P q) (P m) C w, norm_at_most (P k) (P q) (B *m A) v & u = w * v]
  | Hidden n h W _ l r rest => fun k A u => exists q (C : 'M_(h, q)) (B : 'M_(q, n)) v w,
      [/\ W = C *m B, 0 <= v /\ 0 <= w, norm_at_most (P k) (P q) (B *m A) v,
          forall d, slopes_between l r d -> e2_bound P rest (diag_mx d^T *m C) w & u = w * v]
  end.

Lemma e2_relaxed P m n (N : net R m n) k (A : 'M_(n, k)) u : e2_bound P N A u ->
  forall d : diagonals N, allowed d -> norm_at_most (P k) (P m) (relaxed d *m A) u.
Proof.
elim: N k A u => [n' W b|n' h W b l r rest IH] k A u /=.
  move=> [q [C [B [v [w [-> [v0 w0] Cw Bv ->]]]]]] _ _ x; rewrite -!mulmxA.
  apply: le_trans (Cw _) _; rewrite -mulrA ler_wpmul2l // mulmxA; exact: Bv.
move=> [q [C [B [v [w [-> [v0 w0] Bv rest_w ->]]]]]] d [d1 d2] x.
have step := IH q _ w (rest_w _ d1) d.2 d2.
have -> : relaxed d.2 *m (diag_mx d.1^T *m (C *m B)) *m A *m x = relaxed d.2 *m (diag_mx d.1^T *m C) *m (B *m A *m x).
  by rewrite !mulmxA.
by apply: le_trans (step _) _; rewrite -mulrA ler_wpmul2l.
Qed.

(* (E2) >= (E1). *)
Theorem seqlip_e2_e1 P m n (N : net R m n) u : e2_bound P N 1%:M u -> e1_bound P N u.
Proof. by move=> e2 d ok; have := e2_relaxed e2 ok; rewrite mulmx1. Qed.

Fixpoint slopes_at m n (N : net R m n) : pattern N -> diagonals N :=
  match N with
  | Output _ _ _ => fun _ => tt
  | Hidden _ _ _ _ l r rest => fun s => (\col_i (if s.1 i then r i 0 else l i 0), slopes_at s.2)
  end.

Lemma slopes_at_allowed m n (N : net R m n) (s : pattern N) : allowed (slopes_at s) /\ relaxed (slopes_at s) = jacobian s.
Proof.
elim: N s => [//|n' k W b l r rest IH] [s1 s2] /=; have [ok ->] := IH s2; split.
  by split=> // i; rewrite mxE; case: (s1 i); rewrite le_minl le_maxr !lexx ?orbT.
by congr (_ *m (diag_mx _ *m _)); apply/rowP=> i; rewrite !mxE.
Qed.

(* (E1) >= L. *)
Theorem seqlip_e1_upper (P : forall n, 'cV[R]_n -> R) m n (N : net R m n) u X : (forall n, is_norm (P n)) ->
  e1_bound P N u -> convex X -> full_dimensional X -> lipschitz (P n) (P m) X (eval N) u.
Proof.
move=> normP e1 conv full; apply: regions_upper => // s _.
by have [ok <-] := slopes_at_allowed s; exact: e1.
Qed.

(* LipSDP. Free vectors in place of the hidden layers' directional derivatives: *)
Fixpoint hidden m n (N : net R m n) : Type :=
  match N with
  | Output _ _ _ => unit
  | Hidden _ k _ _ _ _ rest => ('cV[R]_k * hidden rest)%type
  end.

Fixpoint out m n (N : net R m n) : 'cV[R]_n -> hidden N -> 'cV[R]_m :=
  match N with
  | Output _ W _ => fun v _ => W *m v
  | Hidden _ _ _ _ _ _ rest => fun _ h => out h.1 h.2
  end.

(* The sum of T_i (h_i - l_i y_i) (r_i y_i - h_i), y the row that feeds the neuron: for ReLU T_i h_i (y_i - h_i). *)
Fixpoint slack m n (N : net R m n) : hidden N -> 'cV[R]_n -> hidden N -> R :=
  match N with
  | Output _ _ _ => fun _ _ _ => 0
  | Hidden _ _ W _ l r rest => fun T v h =>
      \sum_i T.1 i 0 * ((h.1 i 0 - l i 0 * (W *m v) i 0) * (r i 0 * (W *m v) i 0 - h.1 i 0)) + slack T.2 h.1 h.2
  end.

Fixpoint derivatives m n (N : net R m n) : pattern N -> 'cV[R]_n -> hidden N :=
  match N with
  | Output _ _ _ => fun _ _ => tt
  | Hidden _ _ W _ l r rest => fun s v =>
      (slope_of l r s.1 *m (W *m v), derivatives s.2 (slope_of l r s.1 *m (W *m v)))
  end.

Lemma out_derivatives m n (N : net R m n) (s : pattern N) v : out v (derivatives s v) = jacobian s *m v.
Proof. by elim: N s v => [//|n' k W b l r rest IH] [s1 s2] v /=; rewrite IH !mulmxA. Qed.

Lemma slack_derivatives m n (N : net R m n) T (s : pattern N) v : slack T v (derivatives s v) = 0.
Proof.
elim: N T s v => [//|n' k W b l r rest IH] T [s1 s2] v /=; rewrite IH addr0 big1 // => i _.
have -> : (slope_of l r s1 *m (W *m v)) i 0 = (if s1 i then r i 0 else l i 0) * (W *m v) i 0.
  by rewrite mul_diag_mx !mxE.
by case: (s1 i); rewrite subrr ?mulr0 ?mul0r ?mulr0.
Qed.

(* LipSDP's inequality bounds every Jacobian: |J v|^2 <= rho |v|^2. The multipliers may have any sign. *)
Theorem lipsdp_jacobian m n (N : net R m n) (T : hidden N) rho :
  (forall v h, sqnorm (out v h) + slack T v h <= rho * sqnorm v) ->
  forall (s : pattern N) v, sqnorm (jacobian s *m v) <= rho * sqnorm v.
Proof.
move=> ineq s v; have := ineq v (derivatives s v).
by rewrite out_derivatives slack_derivatives addr0.
Qed.

End Estimators.

Section Roots.
Variable R : rcfType.

(* So its root is a Lipschitz constant in the Euclidean norm, on every convex domain with an interior. *)
Theorem lipsdp_upper m n (N : net R m n) (T : hidden N) rho X :
  0 <= rho -> (forall v h, sqnorm (out v h) + slack T v h <= rho * sqnorm v) ->
  convex X -> full_dimensional X -> lipschitz (@l2 R n) (@l2 R m) X (eval N) (Num.sqrt rho).
Proof.
move=> rho0 ineq conv full; have upper := @regions_upper R m n N (@l2 R n) _ X (@l2_is_norm R m) (Num.sqrt rho) conv full.
apply: upper => s _ v.
by rewrite /l2 -sqrtrM // ler_wsqrtr // (lipsdp_jacobian ineq).
Qed.

Lemma l2_absolute : absolute (fun n => @l2 R n).
Proof.
move=> n x y le_xy; apply: ler_wsqrtr; apply: ler_sum => i _.
by rewrite -[X in X <= _]real_normK ?num_real // -[X in _ <= X]real_normK ?num_real // ler_expn2r ?nnegrE.
Qed.

End Roots.
